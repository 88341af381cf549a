"""PyTorch modules: a cell as a layer that stands where `nn.LSTM` does."""

from derive.backends import KEPT as STORES
from derive.backends import no_overview as overview
from derive.backends.torch.module import POLICY, files

__all__ = ["POLICY", "STORES", "files", "overview"]
