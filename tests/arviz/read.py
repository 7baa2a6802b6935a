"""read.py WRITE DTYPE: ArviZ reads the NetCDF file that WRITE makes, and can work with it. Exit code
77 where arviz, below version 1, or a NetCDF reader is missing."""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
try:
    import arviz
    import numpy

    import h5netcdf  # noqa: F401  what xarray reads groups with
except ImportError as missing:
    print(f"skipped: {missing}; pip install 'arviz<1' h5netcdf, for {sys.executable}")
    sys.exit(77)
if not hasattr(arviz, "InferenceData"):
    print(f"skipped: arviz {arviz.__version__} has no InferenceData; need arviz < 1")
    sys.exit(77)

write, dtype = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "draws.nc")
    subprocess.run([write, path], check=True)
    data = arviz.from_netcdf(path, engine="h5netcdf")
    data.load()

assert data.groups() == ["posterior", "sample_stats"], data.groups()
assert json.loads(data.attrs["configuration"])["kernel"] == "nuts", data.attrs
mu, theta = data.posterior["mu"], data.posterior["theta"]
assert mu.dims == ("chain", "draw") and theta.dims == ("chain", "draw", "theta_dim_0"), theta.dims
assert mu.dtype == dtype and theta.shape == (3, 50, 3), (mu.dtype, theta.shape)
value = 100.0 * numpy.arange(3)[:, None] + numpy.arange(50)
assert (mu.values == value).all()
for j in range(3):
    assert (theta.sel(theta_dim_0=j).values == value + (j + 1) / 8).all()
assert (mu.coords["draw"].values == numpy.arange(50)).all()
stats = data.sample_stats
assert (stats["energy"].values == value / 7).all()
assert stats["n_steps"].dtype == "int64" and (stats["n_steps"].values == numpy.arange(50)).all()
assert stats["diverging"].dtype == bool and stats["diverging"].values.sum() == 15
assert list(arviz.summary(data).index) == ["mu", "theta[0]", "theta[1]", "theta[2]"]
print("read by ArviZ", arviz.__version__)
