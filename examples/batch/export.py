"""Writes a folder of arrays as headpool reads them: one .npy a document, [tokens, modelDim] in float32."""

from pathlib import Path

import numpy as np

folder = Path("data")
folder.mkdir(exist_ok=True)
random = np.random.default_rng(0)
for number, tokens in enumerate([5, 120, 33]):
    rows = random.standard_normal((tokens, 64), dtype=np.float32)  # your embeddings
    np.save(folder / f"document-{number}.npy", rows)
print("wrote data/: 3 documents")
