"""Reading and writing files: atomic writes, tensor files, IDX files, published data sets."""
