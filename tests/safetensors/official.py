"""official.py COPY DTYPE: a file of the official package, read and written again by COPY, holds the
same bits for the official package. Exit code 77 where that package is missing."""

import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    print(f"skipped: {missing}; pip install numpy safetensors, for {sys.executable}")
    sys.exit(77)

copy, dtype = sys.argv[1:]
random = numpy.random.default_rng(1)
shapes = {"layer.0.weight": (3, 4), "layer.0.bias": (3,), "scalar": (), '"odd" näme': (2, 1, 2)}
tensors = {name: numpy.asarray(random.standard_normal(shape), dtype) for name, shape in shapes.items()}
tensors["layer.0.bias"][:] = [-0.0, numpy.finfo(dtype).tiny / 4, numpy.inf]
metadata = {"seed": "7", "näme": '"quoted"'}

with tempfile.TemporaryDirectory() as folder:
    theirs, ours = Path(folder, "theirs.safetensors"), Path(folder, "ours.safetensors")
    save_file(tensors, theirs, metadata)
    subprocess.run([copy, theirs, ours], check=True)
    copied = load_file(ours)
    with safe_open(ours, "numpy") as file:
        assert file.metadata() == metadata, file.metadata()

assert copied.keys() == tensors.keys(), copied.keys()
for name, tensor in tensors.items():
    assert copied[name].dtype == tensor.dtype and copied[name].shape == tensor.shape, name
    assert copied[name].tobytes() == tensor.tobytes(), name
print("equal bits in both directions")
