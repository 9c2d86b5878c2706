# Makes the small files of this folder that h5py alone can make: python make_foreign.py (h5py 3.14 or later on HDF5 2).
import os
import subprocess
import sys
import h5py
import numpy as np

ramp = np.arange(24, dtype="u2").reshape(2, 3, 4)
with h5py.File("foreign.h5", "w") as f:
    gone = h5py.VirtualLayout((2, 3, 4), "u2")
    gone[:] = h5py.VirtualSource("moved.h5", "x", shape=(2, 3, 4))
    f.create_virtual_dataset("gone", gone)
    own = h5py.VirtualLayout((2, 3, 4), "u2")
    own[:] = h5py.VirtualSource(".", "plain", shape=(2, 3, 4))
    f.create_virtual_dataset("own", own)
    lost = h5py.VirtualLayout((2, 3, 4), "u2")
    lost[:] = h5py.VirtualSource(".", "nowhere", shape=(2, 3, 4))
    f.create_virtual_dataset("lost", lost)
    for name, source in (("itself", "itself"), ("round", "about"), ("about", "round")):
        layout = h5py.VirtualLayout((2, 3, 4), "u2")
        layout[:] = h5py.VirtualSource(".", source, shape=(2, 3, 4))
        f.create_virtual_dataset(name, layout)
    f.create_dataset("outside", shape=(2, 3, 4), dtype="u1", external=[("LICENSE", 0, 24)])
    f["link"] = h5py.ExternalLink("types.h5", "/little/u2")
    f["nowhere_link"] = h5py.SoftLink("/gone/away")
    f["plain"] = ramp
    f["\x1b[31mred\n"] = ramp
    h5py.h5d.create(f.id, b"newer", h5py.h5t.COMPLEX_IEEE_F32LE, h5py.h5s.create_simple((3, 4)))
    g = f.create_dataset("lzf", data=np.repeat(ramp, 32, 2), chunks=(1, 3, 64), compression="lzf", shuffle=True)
    f.create_dataset("lzf_big", data=np.repeat(ramp, 32, 2).astype(">u2"), chunks=(1, 3, 64), compression="lzf")
if len(sys.argv) == 1:
    code = "import h5py, os, numpy as np; f = h5py.File('unclosed.h5', 'w', libver=('v110', 'v110')); f['raw'] = np.zeros((2, 2), 'u1'); f.flush(); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True)
