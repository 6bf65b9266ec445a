"""Writes weights, an input and PyTorch's own output of a causal multi-head attention."""

import numpy as np
import torch
from safetensors.torch import save_file

model_dim, heads, tokens = 64, 4, 50
torch.manual_seed(0)
module = torch.nn.MultiheadAttention(model_dim, heads, batch_first=True).eval()
torch.nn.init.normal_(module.in_proj_bias)
torch.nn.init.normal_(module.out_proj.bias)
save_file(module.state_dict(), "layer.safetensors", metadata={"heads": str(heads)})

x = torch.randn(3, tokens, model_dim)
ignored = torch.triu(torch.ones(tokens, tokens, dtype=torch.bool), diagonal=1)  # true = ignore
with torch.no_grad():
    expected, _ = module(x, x, x, attn_mask=ignored, need_weights=False)
np.save("x.npy", x.numpy())
np.save("expected.npy", expected.numpy())
print("wrote layer.safetensors, x.npy and expected.npy")
