"""Tests of fastmlp, and the code that several of them share."""
