"""Tests of fastmlp, and what several of them share."""
