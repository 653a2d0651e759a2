"""Depth Anything 3 from its package with tiny networks, on checkpoints written as the published ones are; made by
the fixture `tiny_depth_anything`."""

import json
from pathlib import Path

import torch
from depth_anything_3 import cfg, registry
from depth_anything_3.model.dinov2 import dinov2
from depth_anything_3.model.dinov2.vision_transformer import DinoVisionTransformer
from depth_anything_3.model.utils.transform import extri_intri_to_pose_encoding
from safetensors.torch import save_file

from vistadream.backends.depth_anything.files import configuration
from vistadream.backends.depth_anything.frames import Frames
from vistadream.backends.depth_anything.network import normalized

MODELS = ("da3-small", "da3-giant", "da3mono-large", "da3metric-large")


def tiny_configurations(folder: Path) -> dict[str, str]:
    """The package's configurations, for a backbone of 16 channels and four blocks; the file of each model."""
    for name in MODELS:
        config = cfg.load_config(registry.MODEL_REGISTRY[name])
        any_view = "cam_dec" in config
        config.net.update(name="vits", out_layers=[0, 1, 2, 3])
        if any_view:
            config.net.update(alt_start=2, qknorm_start=2, rope_start=2)
            config.cam_enc.update(dim_out=16)
            config.cam_dec.update(dim_in=32)
        config.head.update(dim_in=32 if any_view else 16, features=16, out_channels=[8, 8, 8, 8])
        (folder / f"{name}.yaml").write_text(cfg.OmegaConf.to_yaml(config))
    return {name: str(folder / f"{name}.yaml") for name in MODELS}


class TinyDepthAnything:
    """Networks with random weights, and their files."""

    def __init__(self, monkeypatch, files: dict[str, str]):
        def tiny(patch_size, **knobs):
            return DinoVisionTransformer(
                patch_size=patch_size, embed_dim=16, depth=4, num_heads=2, mlp_ratio=2, **knobs
            )

        monkeypatch.setattr(registry, "MODEL_REGISTRY", registry.MODEL_REGISTRY | files)
        monkeypatch.setattr(dinov2, "vit_small", tiny)

    @staticmethod
    def network(model: str = "da3-small", seed: int = 0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return cfg.create_object(configuration(model)).eval()

    def wide_awake(self, seed: int = 3, strength: float = 30.0):
        """A network whose cameras differ from view to view, and whose depth depends on what its blocks see.

        The blocks of a random one hardly change its tokens.
        """
        net = self.network(seed=seed)
        with torch.no_grad():
            for name, tensor in net.named_parameters():
                if name.endswith("gamma"):
                    tensor.fill_(0.5)
            net.head.scratch.output_conv2[2].weight *= strength
            net.cam_dec.fc_t.weight *= strength
            net.cam_dec.fc_qvec.weight *= strength
        return net

    def knowing(self, views, truth, resolution_px: int = 70):
        """A network that finds the true cameras of these photos: the last layer of its cameras is fitted to them."""
        net, frames = self.wide_awake(), Frames.of(views)
        longest = max(views[0].rgb.shape)
        size = [max(1, round(side * resolution_px / longest / 14)) * 14 for side in views[0].rgb.shape[:2]]
        known = torch.stack([camera.world_from_cam for camera in truth])[None]
        K = torch.stack([camera.resize(size[1], size[0]).K for camera in truth])[None]
        target = extri_intri_to_pose_encoding(known, K, size)[0].double()
        seen = []
        hook = net.cam_dec.backbone.register_forward_hook(lambda _, __, out: seen.append(out.double()))
        with torch.no_grad():
            net(normalized(frames.pictures(), (size[1], size[0]))[None])
            inputs = torch.cat([seen[0], torch.ones(len(views), 1).double()], 1)
            weights = torch.linalg.lstsq(inputs, target, driver="gelsd").solution.float()
            for layer, columns in ((net.cam_dec.fc_t, [0, 1, 2]), (net.cam_dec.fc_qvec, [3, 4, 5, 6])):
                layer.weight.copy_(weights[:-1, columns].T)
                layer.bias.copy_(weights[-1, columns])
            net.cam_dec.fc_fov[0].weight.zero_()
            net.cam_dec.fc_fov[0].bias.copy_(target[0, 7:])
        hook.remove()
        return net

    def write(self, weights: dict[str, torch.Tensor], folder: Path, model: str = "da3-small") -> Path:
        """A checkpoint where the backend looks for it, in the names of the published files.

        Some layers share a tensor, of which a safetensors file holds one name only.
        """
        first = {tensor.data_ptr(): name for name, tensor in reversed(self.network(model).state_dict().items())}
        second = self.network(model).state_dict().keys() - set(first.values())
        kept = {f"model.{name}": weights[name].contiguous() for name in weights.keys() - second}
        save_file(kept, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps({"model_name": model}))
        return folder
