"""NumPy yardsticks on one thread, like everything else; read when NumPy is first imported."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
