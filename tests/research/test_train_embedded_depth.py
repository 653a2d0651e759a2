"""Generated worlds tell the truth about themselves, and a network learns from them."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from vistadream.backends.depth.network.model import DepthNet, Maps, pack
from vistadream.backends.depth.network.predict import load_net, shipped_net
from vistadream.backends.depth.network.reading import Reading
from vistadream.core import Camera
from vistadream.ops.depth.normals import normals_from_depth

sys.path.insert(0, str(Path(__file__).parents[2] / "research"))

from train_embedded_depth import air, faults, styles
from train_embedded_depth.augment import augment
from train_embedded_depth.batches import Pool, inputs
from train_embedded_depth.cameras import Lens
from train_embedded_depth.export import export
from train_embedded_depth.framing import cut, mirrored, twice
from train_embedded_depth.generate import FAR_M, Samples, generate
from train_embedded_depth.grow import grow
from train_embedded_depth.judge import APART, judge, network_of, print_figures
from train_embedded_depth.kinds import HELD_OUT, KINDS
from train_embedded_depth.leave_out import print_left_out
from train_embedded_depth.losses import Truth, losses
from train_embedded_depth.optics import defocus
from train_embedded_depth.shards import Shard, kind_of, make_shard, read_shards, write_shard
from train_embedded_depth.sheet import picture, read_row
from train_embedded_depth.solids import BLADES, BOX, CYLINDER, ELLIPSOID, GRATE, Hits, Solids, cast, surface
from train_embedded_depth.terrain import Terrain
from train_embedded_depth.textures import TextureBank
from train_embedded_depth.train import Recipe, Trainer
from train_embedded_depth.world import turn

SIZE = (48, 64)


@pytest.fixture(scope="module")
def bank() -> TextureBank:
    return TextureBank.paint(0)


def one_solid(kind: int) -> Solids:
    rotation = torch.from_numpy(turn(0.4, 0.3, -0.2)).float()[None, None]
    return Solids((kind,), torch.tensor([[[0.3, -0.2, 5.0]]]), rotation, torch.tensor([[[1.0, 0.6, 0.8]]]))


def met(kind: int) -> tuple[Solids, torch.Tensor, Hits]:
    """A solid, rays from the origin, and where they meet it."""
    solids = one_solid(kind)
    rays = Camera.from_fov(40, 64, 48).rays().reshape(1, -1, 3).mT.contiguous()
    return solids, rays, cast(solids, torch.zeros(1, 3, 1), rays)


@pytest.mark.parametrize("kind", [BOX, ELLIPSOID, CYLINDER])
def test_rays_end_on_the_near_side_of_the_unit_shape_and_normals_are_unit_and_outward(kind):
    solids, rays, hits = met(kind)
    seen = hits.t.isfinite()
    assert 0.05 < seen.float().mean() < 0.9
    points = rays * torch.where(seen, hits.t, 0.0)[:, None]
    normals, local, _ = surface(solids, hits, points)
    x, y, z = local.abs().unbind(1)
    radius = {BOX: torch.maximum(torch.maximum(x, y), z), ELLIPSOID: (x * x + y * y + z * z).sqrt()}.get(
        kind, torch.maximum(torch.hypot(x, z), y)
    )
    assert torch.allclose(radius[seen], torch.ones(int(seen.sum())), atol=1e-4)
    assert torch.allclose(normals.norm(dim=1)[seen], torch.ones(int(seen.sum())), atol=1e-5)
    assert ((normals * rays).sum(1)[seen] < 1e-5).all()


def slots(solids: Solids, *order: int) -> Solids:
    kept = list(order)
    kinds = tuple(solids.kinds[slot] for slot in kept)
    return Solids(kinds, solids.centers[:, kept], solids.rotations[:, kept], solids.halves[:, kept])


def test_the_nearest_of_two_solids_is_met_whatever_their_order():
    near, far = one_solid(BOX), one_solid(ELLIPSOID)
    both = Solids(
        (ELLIPSOID, BOX),
        torch.cat([far.centers * 2, near.centers], 1),
        torch.cat([far.rotations, near.rotations], 1),
        torch.cat([far.halves * 3, near.halves], 1),
    )
    rays, eye = met(BOX)[1], torch.zeros(1, 3, 1)
    alone = [cast(slots(both, slot), eye, rays).t for slot in (0, 1)]
    for order in ((0, 1), (1, 0)):
        assert torch.equal(cast(slots(both, *order), eye, rays).t, torch.minimum(*alone))


def test_rays_end_on_the_land():
    terrain = Terrain.draw(np.random.default_rng(0), 2)
    rays = Camera.from_fov(60, 64, 48).rays().reshape(1, -1, 3).mT * torch.tensor([1.0, -1.0, 1.0])[:, None]
    eyes = torch.tensor([0.0, 1.7, 0.0])[None, :, None]
    t = terrain.cast(eyes, rays.expand(2, -1, -1))
    near = t < 40
    points = eyes + rays * torch.where(near, t, 0.0)[:, None]
    gap = points[:, 1] - terrain.height(points[:, 0], points[:, 2])
    assert near.float().mean() > 0.2
    assert (gap[near].abs() < 0.02 * t[near] + 0.02).all()


@pytest.mark.parametrize("name", [*KINDS, *HELD_OUT])
def test_truth_is_consistent_and_the_seed_decides_all(name, bank):
    kind = {**KINDS, **HELD_OUT}[name]
    samples, again = (generate(kind, 3, 2, SIZE, bank) for _ in range(2))
    assert all(torch.equal(getattr(samples, n), getattr(again, n)) for n in ("rgb", "z", "normal", "sky", "part"))
    assert not torch.equal(samples.rgb, generate(kind, 4, 2, SIZE, bank).rgb)
    assert ((samples.rgb >= 0) & (samples.rgb <= 1)).all()
    assert torch.equal(samples.sky, samples.z >= FAR_M)
    assert (samples.z > 0).all()
    length = samples.normal.norm(dim=1)
    assert torch.allclose(length, (~samples.sky).float(), atol=1e-4)
    rays = samples.lens.rays(*SIZE).reshape(2, 3, *SIZE)
    assert ((samples.normal * rays).sum(1) < 1e-4).all()


def test_true_normals_are_those_of_the_true_depth(bank):
    samples = generate(KINDS["room"], 5, 2, (96, 128), bank)
    for i in range(2):
        focal, center = float(samples.lens.focal[i]), samples.lens.center[i] * 128
        camera = Camera.from_focal(focal * 128, 128, 96, (float(center[0]), float(center[1])))
        found, has = normals_from_depth(camera, samples.z[i], ~samples.sky[i])
        agree = (found * samples.normal[i].permute(1, 2, 0)).sum(-1) > 0.99
        assert agree[has].float().mean() > 0.75


def test_repainting_changes_colors_only_and_the_seed_decides_them(bank):
    samples = generate(KINDS["street"], 1, 12, SIZE, bank)
    for seed in range(3):
        painted, again = (augment(samples, np.random.default_rng(seed)) for _ in range(2))
        assert torch.equal(painted.rgb, again.rgb)
        assert all(torch.equal(getattr(painted, n), getattr(samples, n)) for n in ("z", "normal", "sky", "part"))
        changed = (painted.rgb - samples.rgb).abs().mean((1, 2, 3))
        assert (changed > 0).all()
        assert changed.median() > 0.05
        assert ((painted.rgb >= 0) & (painted.rgb <= 1)).all()


def test_each_change_of_air_style_and_file_is_of_its_kind(bank):
    samples = generate(KINDS["landscape"], 2, 24, SIZE, bank)
    rng = np.random.default_rng(0)
    assert samples.sky.flatten(1).any(1).sum() > 8
    land = ~samples.sky[:, None].expand_as(samples.rgb)
    sky = torch.where(samples.sky[:, None], air._skies(samples.rgb, rng), samples.rgb)
    assert torch.equal(sky[land], samples.rgb[land])
    shades = sky.mean(1)[samples.sky]
    assert shades.quantile(0.1) < 0.4 < 0.75 < shades.quantile(0.9), "dark and bright skies"
    hazy = air._hazy(samples.rgb, samples.z, samples.sky, rng)
    far = (samples.z > 40) & ~samples.sky
    near = samples.z < 8
    moved = (hazy - samples.rgb).abs().mean(1)
    assert moved[far].mean() > 1.5 * moved[near].mean()
    silhouette = styles._silhouette(samples.rgb, samples.z, rng).mean(1)
    assert silhouette[near].mean() < 0.5 * silhouette[samples.sky].mean()
    assert faults._compressed(samples.rgb, rng).sub(samples.rgb).abs().mean() < 0.05


def test_a_cut_picture_shows_the_same_points_along_its_own_rays(bank):
    samples = generate(KINDS["room"], 5, 8, (96, 128), bank)
    rays = samples.lens.rays(96, 128)
    points = rays.unflatten(2, (96, 128)) * samples.z[:, None]
    one = cut(samples, np.random.default_rng(3))
    assert not torch.equal(one.lens.focal, samples.lens.focal)
    assert one.rgb.shape == samples.rgb.shape
    found = (one.lens.rays(96, 128).unflatten(2, (96, 128)) * one.z[:, None])[..., 8:-8:8, 8:-8:8]
    for k in range(8):
        gap = torch.cdist(found[k].flatten(1).T, points[k].flatten(1).T).amin(1) / one.z[k, 8:-8:8, 8:-8:8].flatten()
        assert gap.median() < 0.01
    back = mirrored(mirrored(one))
    assert torch.equal(back.rgb, one.rgb)
    assert torch.allclose(back.lens.center, one.lens.center, atol=1e-6)


def test_copies_of_a_scene_share_the_scene(bank):
    samples, shared = twice(generate(KINDS["room"], 5, 6, (96, 128), bank), np.random.default_rng(0))
    assert torch.equal(shared.of(samples.z[:6, None])[:, 0], samples.z[6:])
    assert not torch.equal(samples.z[:6], samples.z[6:])
    packed = inputs(augment(samples, np.random.default_rng(1)), np.random.default_rng(2), copies=2)
    rays = shared.of(packed[:6, 3:5], "bilinear")
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    assert torch.allclose(rays[inside], packed[6:, 3:5][inside], atol=1e-3), "each copy has its own rays"
    assert torch.equal(packed[:6, 5], packed[6:, 5])
    assert not torch.equal(packed[:6, :3], packed[6:, :3])
    assert set(packed[:, 5].unique().tolist()) == {0.0, 1.0}, "some focal lengths are guessed"


def test_the_order_loss_is_small_for_any_depth_in_the_right_order_and_large_in_the_wrong_one(bank):
    samples, shared = twice(generate(KINDS["street"], 1, 4, (96, 128), bank), np.random.default_rng(0))
    truth = Truth.of(samples)

    def terms(log_z: torch.Tensor) -> dict[str, torch.Tensor]:
        zero = torch.zeros_like(log_z)
        return losses(Maps(log_z, zero, truth.normal, zero), truth, shared)

    right, flat, wrong = (float(terms(k * truth.log_z)["order"]) for k in (3.0, 0.0, -1.0))
    assert right < 0.2 < flat < wrong
    assert flat == pytest.approx(np.log(2), abs=1e-4), "either order is as likely"
    noise = torch.cat([torch.zeros_like(truth.log_z[:4]), 0.3 * torch.randn_like(truth.log_z[:4])])
    one = torch.randn_like(truth.log_z[:4])
    same = torch.cat([one, shared.of(one[:, None], "bilinear")[:, 0] + 0.7])
    assert float(terms(same)["agreement"]) == pytest.approx(0, abs=1e-5), "whatever the factor"
    assert float(terms(truth.log_z)["agreement"]) < 0.03, "but for what falls between pixels"
    assert float(terms(truth.log_z + noise)["agreement"]) > 0.1


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_shows_near_and_far_things_and_varies(name, bank):
    samples = generate(KINDS[name], 2, 8, SIZE, bank)
    shard = Shard.of(samples)
    assert len(shard.focal) >= 4, "most pictures are worth showing"
    log_z = torch.where(samples.sky, torch.nan, samples.z.log()).flatten(1)
    near, far = torch.nanquantile(log_z, torch.tensor([0.05, 0.95]), dim=1)
    assert (far - near).median() > 0.3
    means = log_z.nanmean(1)
    assert means[means.isfinite()].std() > 0.02
    assert samples.rgb.mean((2, 3)).std(0).min() > 0.02
    if KINDS[name].inside and name not in ("pets", "still_life"):
        assert not samples.sky.any(), "rooms are closed"


@pytest.mark.parametrize("kind", [GRATE, BLADES])
def test_grates_and_blades_are_flat_have_gaps_and_end_at_their_rims(kind):
    solids, rays, hits = met(kind)
    full = Solids((BOX,), solids.centers, solids.rotations, solids.halves * torch.tensor([1.0, 1.0, 1e-3]))
    inside = cast(full, torch.zeros(1, 3, 1), rays).t.isfinite()
    seen = hits.t.isfinite()
    assert not (seen & ~inside).any()
    assert 0.2 < float(seen.sum() / inside.sum()) < 0.8
    _, local, _ = surface(solids, hits, rays * torch.where(seen, hits.t, 0.0)[:, None])
    assert local[0, 2, seen[0]].abs().max() < 1e-4


def test_what_lies_behind_is_blurred_and_the_subject_is_not():
    light = torch.from_numpy(np.random.default_rng(0).random((4, 3, 32, 48), np.float32))
    z = torch.full((4, 32, 48), 20.0)
    z[:, 8:24, 16:32] = 1.0
    soft = defocus(light, z, np.random.default_rng(1))
    near = z == 1
    assert torch.allclose(soft.movedim(1, -1)[near], light.movedim(1, -1)[near])
    ratio = [float(s[..., :8, :].std() / x[..., :8, :].std()) for s, x in zip(soft, light, strict=True)]
    assert min(ratio) < 0.7


def test_kinds_can_be_left_out_of_a_training(tmp_path):
    for number in range(3):
        write_shard(tmp_path, number, count=2)
    kinds = [kind_of(file) for file in sorted(tmp_path.iterdir())]
    assert len(read_shards(tmp_path)) == 3
    assert len(read_shards(tmp_path, without=kinds[:1])) == 3 - kinds.count(kinds[0])
    with pytest.raises(ValueError, match="no such kinds"):
        read_shards(tmp_path, without=["moon"])


def test_trainings_with_and_without_a_kind_are_compared_on_worlds_of_that_kind(tmp_path, capsys):
    for number in range(3):
        write_shard(tmp_path, number, count=3)
    name = kind_of(min(tmp_path.iterdir()))
    Trainer(Recipe(scenes=2)).save(tmp_path / "start.pt")
    print_left_out(tmp_path, tmp_path / "start.pt", tmp_path / "judged", Recipe(steps=4, scenes=2), [name])
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[3:]]
    assert [row[0].strip() for row in rows] == [
        f"{name}, {what}" for what in ("before", "trained with it", "trained without it")
    ]
    assert len({tuple(row[1:]) for row in rows}) == 3


def test_shards_come_back_as_they_were(tmp_path):
    write_shard(tmp_path, 7, count=4)
    (shard,) = read_shards(tmp_path)
    made = make_shard(7, count=4)
    assert all(torch.equal(x, getattr(made, name)) for name, x in vars(shard).items())
    unpacked = shard.samples(torch.arange(2))
    assert torch.equal(Shard.of(unpacked).log_z, shard.log_z[:2])


def test_half_a_picture_has_the_rays_of_the_whole(bank):
    shard = Shard.of(generate(KINDS["room"], 0, 3, (96, 112), bank))
    small = shard.halved()
    assert small.rgb.shape[2:] == (48, 48)
    whole, half = (Lens(s.focal, s.center).rays(*s.rgb.shape[2:]).unflatten(2, s.rgb.shape[2:]) for s in (shard, small))
    assert torch.allclose(half, torch.nn.functional.avg_pool2d(whole, 2)[..., :48], atol=1e-5)
    assert torch.equal(small.log_z, shard.log_z[:, ::2, :96:2])


def small_rooms(bank: TextureBank, *seeds: int) -> Pool:
    return Pool.of([Shard.of(generate(KINDS["room"], seed, 12, (64, 96), bank)) for seed in seeds], halved=True)


def error(net: DepthNet, samples: Samples) -> tuple[float, float]:
    """Mean |log z - truth| up to one factor a picture: of the network, and of a constant plane."""
    packed = inputs(samples, np.random.default_rng(0))
    truth = Truth.of(samples)
    with torch.inference_mode():
        said = net.eval()(packed).log_z
    found = []
    for z in (said, torch.zeros_like(said)):
        difference = torch.where(truth.valid, truth.log_z - z, torch.nan).flatten(1)
        found.append(float((difference - difference.nanmedian(1, keepdim=True).values).abs().nanmean()))
    return found[0], found[1]


def test_a_tiny_run_beats_the_constant_plane_on_worlds_it_never_saw_and_resumes_as_if_never_stopped(tmp_path, bank):
    recipe = Recipe(steps=60, scenes=8, depth=3, rate=0.02, warmup=10, average=0.9)
    pool, trainer = small_rooms(bank, 0, 1, 2), Trainer(recipe)
    for _ in trainer.run(pool):
        if trainer.step == 58:
            trainer.save(tmp_path / "net.pt")
    mine, flat = error(trainer.averaged, small_rooms(bank, 7, 8, 9, 10).draw(np.random.default_rng(1), 48))
    assert mine < 0.9 * flat
    resumed = Trainer(recipe)
    resumed.load(tmp_path / "net.pt")
    assert len(list(resumed.run(pool, painters=3))) == 2
    weights = resumed.averaged.state_dict()
    assert all(torch.equal(x, weights[name]) for name, x in trainer.averaged.state_dict().items())


@pytest.mark.parametrize("name", HELD_OUT)
def test_the_shipped_network_reads_kinds_of_worlds_that_it_never_saw(name, bank):
    pool = Pool.of([Shard.of(generate(HELD_OUT[name], 5, 8, (96, 128), bank))])
    mine, flat = error(shipped_net(), pool.draw(np.random.default_rng(0), 16))
    assert mine < 0.75 * flat


def test_a_network_with_more_blocks_begins_with_the_maps_of_the_shipped_one(tmp_path):
    shipped = shipped_net()
    more = DepthNet(depth=shipped.depth + 2, blocks=shipped.blocks + 1)
    grow(more, shipped.state_dict())
    packed = pack(torch.rand(2, 3, *SIZE), torch.rand(2, 2, *SIZE), torch.ones(2))
    with torch.inference_mode():
        maps, wanted = more.eval()(packed), shipped(packed)
    assert all(torch.allclose(x, getattr(maps, name), atol=1e-4) for name, x in vars(wanted).items())
    for fewer in (DepthNet(depth=shipped.depth - 1), DepthNet(depth=shipped.depth, blocks=shipped.blocks - 1)):
        with pytest.raises(ValueError, match="more blocks"):
            grow(fewer, shipped.state_dict())


def test_weights_mixed_with_those_of_the_start_lie_between_both_and_at_the_ends_are_either(tmp_path):
    shipped, trainer = shipped_net(), Trainer(Recipe(depth=shipped_net().depth + 1))
    trainer.net.area = shipped.area
    trainer.save(tmp_path / "net.pt")
    start = tmp_path / "start.pt"
    torch.save({"averaged": shipped.state_dict()}, start)
    found = {}
    for share in (0.0, 0.5, 1.0):
        export(tmp_path / "net.pt", tmp_path / "net.safetensors", start, share)
        found[share] = load_net(tmp_path / "net.safetensors")
    packed = pack(torch.rand(2, 3, *SIZE), torch.rand(2, 2, *SIZE), torch.ones(2))
    with torch.inference_mode():
        wanted, last, first = (net.eval()(packed).log_z for net in (shipped, found[1.0], found[0.0]))
        assert torch.allclose(last, wanted, atol=0.02)
        assert torch.allclose(first, trainer.averaged.eval()(packed).log_z, atol=0.02)
    middle = found[0.5].state_dict()
    for name, x in found[0.0].state_dict().items():
        assert torch.allclose(middle[name].float(), (x + found[1.0].state_dict()[name]).float() / 2, atol=2e-2)


def test_figures_of_true_maps_are_perfect_and_those_of_a_plane_are_not(bank, monkeypatch):
    samples = generate(KINDS["street"], 1, 4, (96, 128), bank)
    truth = Truth.of(samples)
    assert float((truth.log_z.amax((1, 2)) - truth.log_z.amin((1, 2))).min()) > APART
    net = DepthNet(area=96 * 128)

    def figures(log_z: torch.Tensor) -> list[float]:
        sky = truth.sky * 2.0 - 1
        said = [Reading(z, torch.ones_like(z), n, s) for z, n, s in zip(log_z, truth.normal, sky, strict=True)]
        pictures = itertools.cycle(said)  # the plain pictures, then the changed ones
        monkeypatch.setattr("train_embedded_depth.judge.read", lambda *_, **__: next(pictures))
        return judge(net, samples)

    assert figures(truth.log_z + 3)[:6] == pytest.approx([0] * 6, abs=1e-4)
    flat = figures(torch.zeros_like(truth.log_z))
    assert flat[0] > 0.2
    assert flat[1] == flat[3] == 1
    assert figures(-truth.log_z)[1] == 1


def test_figures_are_printed_for_each_kind_from_checkpoints_and_exported_weights(tmp_path, capsys):
    trainer = Trainer(Recipe(steps=1))
    trainer.save(tmp_path / "net.pt")
    export(tmp_path / "net.pt", tmp_path / "net.safetensors")
    files = [tmp_path / "net.pt", tmp_path / "net.safetensors"]
    print_figures(tmp_path / "worlds", files, ["ceiling", "stairwell"])
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows[1:4]] == ["ceiling", "stairwell (held out)", "net.pt: mean"]
    for checkpoint, exported in zip(rows[1:4], rows[5:8], strict=True):
        a, b = ([float(x) for x in row[1:]] for row in (checkpoint, exported))
        assert a == pytest.approx(b, abs=0.02)
        assert all(np.isfinite(a))
    assert network_of(files[1]).depth == load_net(files[1]).depth == trainer.net.depth


def test_a_run_begins_with_the_weights_of_another_at_a_step_of_its_own(tmp_path):
    first, other = Trainer(Recipe(seed=1)), Trainer(Recipe(seed=2))
    first.step = 7
    first.save(tmp_path / "net.pt")
    other.begin_with(tmp_path / "net.pt")
    wanted = first.averaged.state_dict()
    for net in (other.net, other.averaged):
        assert all(torch.equal(x, wanted[name]) for name, x in net.state_dict().items())
    assert other.step == 0


def test_a_row_of_readings_shows_the_picture_the_truth_and_three_readings(bank):
    samples = generate(KINDS["landscape"], 2, 1, SIZE, bank)
    assert samples.sky.any()
    row = read_row(samples)
    picture, truth, *readings = np.split(row, 5, axis=1)
    assert np.array_equal(picture, (samples.rgb[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8))
    assert np.array_equal((truth == 0).all(-1), samples.sky[0].numpy())
    assert all(len(np.unique(reading)) > 9 for reading in readings)


def test_a_world_is_drawn_as_a_photo_with_its_focal_length(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, "street", 8, 7, (24, 32))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as drawn:
        assert drawn.size == (32, 24)
        focal_35mm = drawn.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm]
    assert 15 <= focal_35mm <= 81, "25 to 100 degrees across"


def test_exported_weights_are_the_averaged_ones_in_half_precision(tmp_path):
    from safetensors import safe_open

    trainer = Trainer(Recipe(steps=1))
    trainer.net.area = 4321
    trainer.save(tmp_path / "net.pt")
    export(tmp_path / "net.pt", tmp_path / "net.safetensors")
    with safe_open(tmp_path / "net.safetensors", "pt") as file:
        assert file.metadata()["licence"] == "Apache-2.0"
        assert file.metadata()["area"] == "4321", "the size that it was trained at"
        read = {name: file.get_tensor(name) for name in trainer.averaged.state_dict()}
    for name, x in trainer.averaged.state_dict().items():
        assert torch.equal(read[name], x.half() if x.is_floating_point() else x)
    assert (tmp_path / "net.safetensors").stat().st_size < 8e6
