"""Everything read from disk or written to it: atomic writes, IDX files, published data sets."""
