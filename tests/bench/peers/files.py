"""h5py as a peer: a box of a dataset, with the file opened anew for it or kept open."""
import time

from work import Work

files = {}


def read(inputs):
    import h5py
    import numpy as np

    def run(watch, file, dataset, begin, shape, anew, version=None):
        if version and h5py.version.hdf5_version_tuple[0] != version:
            raise ImportError(f"this h5py is on HDF5 {h5py.version.hdf5_version}; tests/bench/setup-peers gets the other")
        box = tuple(slice(b, b + s) for b, s in zip(begin, shape))
        if anew and file in files:
            files.pop(file).close()
        with watch:
            if file not in files:
                files[file] = h5py.File(file, "r")
            found = files[file][dataset][box]
        return {"sum": int(found.sum(dtype=np.uint64))}

    return run


WORKS = {"h5py": Work(read, clock=time.perf_counter)}
