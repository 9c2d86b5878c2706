"""What the benchmarks are compared with: answers lines of JSON on standard input, a line of JSON each. bench.lua drives it.

    peers.py FOLDER        FOLDER holds inputs.json and the arrays that it names, as bench_kernels wrote them
        {"run": WORK, ...}                              {"seconds", "faults"} or {"missing": why}
        {"check": WORK, "file", "dtype", "shape"}       how far our result (in file) is from the peer's: {"difference", "what"}
        {"check": "batch", …, "peer": {"file" …}}       the same of two arrays that are kept
    peers.py --versions    what is installed

A work is a function that sets up what isn't timed and returns what is; see arrays.py (kernels), files.py (HDF5), trainer.py (pipelines).
One thread, and the processor's clock, except where a file is read (the wall's): as ours.
"""
import json
import os
import sys

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[variable] = "1"

sys.dont_write_bytecode = True

import resource
import time
import traceback

import numpy as np

PACKAGES = "numpy scipy h5py gunpowder dacapo-ml augment-nd elasticdeform edt batchgenerators lsds torch".split()


class Watch:
    """Times what is inside of its `with`; several of them add up."""

    def __init__(self, clock):
        self.clock, self.seconds, self.faults = clock, 0.0, 0

    def __enter__(self):
        self.faults -= resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        self.begin = self.clock()

    def __exit__(self, *_):
        self.seconds += self.clock() - self.begin
        self.faults += resource.getrusage(resource.RUSAGE_SELF).ru_minflt


class Inputs:
    """The arrays that ours works on, by name, read when first asked for."""

    def __init__(self, folder):
        self.folder, self.read = folder, {}
        with open(f"{folder}/inputs.json") as f:
            self.known = json.load(f)

    def __getitem__(self, name):
        if name not in self.read:
            entry = self.known[name]
            self.read[name] = np.fromfile(entry["file"], entry["dtype"]).reshape(entry["shape"])
        return self.read[name]


def works():
    import arrays
    import files
    import trainer

    return {**arrays.WORKS, **files.WORKS, **trainer.WORKS}


class Server:
    def __init__(self, folder):
        self.inputs, self.works, self.ready, self.found = Inputs(folder), works(), {}, {}

    def prepared(self, name):
        if name not in self.ready:
            self.ready[name] = self.works[name].prepare(self.inputs)
        return self.ready[name]

    def run(self, name, **arguments):
        watch = Watch(self.works[name].clock)
        found = self.prepared(name)(watch, **arguments)
        if hasattr(found, "shape"):
            self.found = {**self.found, name: found}  # for a check that may follow
        extra = found if isinstance(found, dict) else {}
        return dict(extra, seconds=watch.seconds, faults=watch.faults)

    def check(self, name, file, dtype, shape, peer=None):
        ours = np.fromfile(file, dtype).reshape(shape)
        if name == "batch":
            theirs = np.fromfile(peer["file"], peer["dtype"]).reshape(peer["shape"])
            return {"difference": float((np.abs(ours - theirs.astype(ours.dtype)) > 1e-3).mean()), "what": "share of voxels that differ"}
        work = self.works[name]
        compare = work.compare or difference
        kept, self.found = self.found, {}
        return compare(ours, lambda: kept[name] if name in kept else self.prepared(name)(Watch(work.clock)), self.inputs)

    def answer(self, question):
        verb = "run" if "run" in question else "check"
        try:
            return getattr(self, verb)(question.pop(verb), **question)
        except ImportError as e:
            return {"missing": str(e)}
        except Exception as e:
            traceback.print_exc()
            return {"missing": f"{type(e).__name__}: {e}"}


def difference(ours, peer, inputs):
    peer = np.asarray(peer())
    if ours.shape != peer.shape:
        return {"difference": float("inf"), "what": f"shapes {ours.shape} and {peer.shape}"}
    if np.issubdtype(peer.dtype, np.floating):
        return {"difference": float(np.abs(ours - peer).max()), "what": "largest difference"}
    return {"difference": float((ours != peer).mean()), "what": "share of voxels that differ"}


def print_versions():
    from importlib import metadata

    for name in PACKAGES:
        try:
            print(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            print(f"{name} is not there")


def main():
    if sys.argv[1:] == ["--versions"]:
        return print_versions()
    server = Server(sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a package prints is not an answer
    for line in sys.stdin:
        print(json.dumps(server.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
