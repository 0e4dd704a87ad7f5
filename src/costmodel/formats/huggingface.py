"""Models as they are published on Hugging Face: ``config.json``, and ``hf_quant_config.json`` beside it.

**Versions.** Files of ``transformers`` 4 and 5: Llama 2 to 4, Mistral and Mixtral, Qwen 1.5 to 3.5 with their mixtures
of experts and the text parts of their VL models, DeepSeek V2 to V3.2, Kimi K2 and K3, GLM 4 to 5, gpt-oss, Gemma 1 to
4, Phi, Nemotron (dense, hybrid, and found by architecture search), MiniMax, Jamba, Mamba 1 and 2, Falcon, OPT, MPT,
BLOOM, GPT-2, GPT-J and NeoX. An unknown ``model_type`` is read by the meaning of its fields, and the shape's ``notes``
say so.
"""

from costmodel.compute.config_precision import scheme_from_config as scheme
from costmodel.compute.config_shapes import shape_from_config as shape

__all__ = ["scheme", "shape"]
