"""The file of the weights: read as it is, or refused with one sentence."""

import re

import pytest
import torch
from tests.backends.splats.sharp.tiny import photo, random_network, sharp

from vistadream.backends.splats.sharp.load import read_network
from vistadream.backends.weights import hub
from vistadream.core import Camera, UserError

SEEN = photo(Camera.from_focal(60.0, 64, 48))


def test_a_file_becomes_the_network_without_what_no_picture_needs(weights):
    network, source = read_network(weights), random_network().state_dict()
    held = network.state_dict()
    assert all(torch.equal(tensor, source[name]) for name, tensor in held.items())
    left_out = source.keys() - held.keys()
    assert left_out == {name for name in source if re.search(r"^depth_alignment|_encoder\.head", name)}
    assert not any(tensor.requires_grad for tensor in network.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("prediction_head.geometry_prediction_head.bias"), "lacks 1 of .*: prediction_head.geometry_p"),
        (lambda w: w.pop("depth_alignment.scale_map_estimator.conv_out.bias"), "lacks 1 of .*: depth_alignment"),
        (lambda w: w.update({"feature_model.fusion.out_conv.bias": torch.zeros(3)}), "another shape: feature_model"),
        (lambda w: w.update(surplus=torch.zeros(3)), "1 tensors are not used: surplus.*wanted the file as published"),
        (lambda w: w.update(epoch=3), "holds other things than tensors"),
    ],
)
def test_other_tensors_than_the_published_ones_are_named(copy, change, said):
    changed = dict(random_network().state_dict())
    change(changed)
    torch.save(changed, copy)
    with pytest.raises(UserError, match=said):
        read_network(copy)


@pytest.mark.parametrize("name", ["encoder.patch_encoder.cls_token", "depth_pro.encoder.patch_encoder.model.norm.bias"])
def test_depth_pro_is_recognized(copy, name):
    torch.save({name: torch.zeros(1, 1, 4), "head.0.bias": torch.zeros(4)}, copy)
    with pytest.raises(UserError, match=r"is Depth Pro, whose encoders have the same names; wanted the file of SHARP"):
        read_network(copy)


def test_a_file_that_is_cut_short_is_refused(copy):
    copy.write_bytes(copy.read_bytes()[:-5000])
    with pytest.raises(UserError, match="cannot be read, as if it were cut short"):
        read_network(copy)


@pytest.mark.parametrize("page", [b"\n<!DOCTYPE html><title>Sign in</title>", b"<HTML><body></body>"])
def test_a_web_page_is_refused(copy, page):
    copy.write_bytes(page)
    with pytest.raises(UserError, match="is a web page, which a server sent in place of the weights"):
        read_network(copy)


def test_a_pickle_that_runs_code_is_refused(copy):
    class Evil:
        def __reduce__(self):
            return (copy.unlink, ())

    torch.save({"a": Evil()}, copy)
    with pytest.raises(UserError, match="cannot be read"):
        read_network(copy)
    assert copy.exists()


def test_without_acceptance_nothing_is_read(weights):
    said = r"sharp may not be used commercially \(apple-amlr, https://\S+\): .*accept_noncommercial=true.* or use backe"
    with pytest.raises(UserError, match=said) as refused:
        sharp(weights, accept_noncommercial=False)(SEEN, 60.0)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_weights_the_command_is_named_and_nothing_is_fetched(monkeypatch, offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(hub, "fetch", lambda *_: pytest.fail("a run fetches no weights of SHARP"))
    said = r"not on this machine, 2\.8 GB \(https://huggingface.co/apple/Sharp\); wanted them: `vistadream download"
    with pytest.raises(UserError, match=said) as refused:
        sharp(None)(SEEN, 60.0)
    assert refused.value.exit_code == 2


def test_a_path_may_be_the_folder_or_a_file_of_any_name(copy, tmp_path):
    assert len(sharp(tmp_path)(SEEN, 60.0).gaussians)
    other = copy.rename(tmp_path / "mine.pt")
    assert len(sharp(other)(SEEN, 60.0).gaussians)
    with pytest.raises(UserError, match=r"lacks sharp_2572gikvuh.pt; wanted all files of sharp"):
        sharp(tmp_path)(SEEN, 60.0)


def test_a_gpu_that_is_not_there_is_named_before_the_run():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match=r"device.*cuda.*wanted cpu or auto on this machine"):
        sharp(None, device="cuda")
