"""`mix plan | build | verify`: from images and a recipe to shards that any reader opens."""

import io
import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.recipe_files import load_recipe
from tests.cli.conftest import Command

WNIDS = ("n01440764", "n01443537", "n01484850")
RECIPE = """
name: tiny
seed: 4
shard: {samples: 8}
sources:
  - name: pics
    read: images:index
    images: pix
    classes: imagenet
    templates: [name_object, name_object_closed]
    labels: 3
    epochs: 2
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recipe and an index over pictures of three classes and kinds."""
    from tests.cli.conftest import call

    folder = tmp_path_factory.mktemp("mix")
    kinds = ("JPEG", "PNG", "WEBP", "GIF")
    for at, wnid in enumerate(WNIDS):
        (folder / "pix" / wnid).mkdir(parents=True)
        for number in range(8):
            kind = kinds[number % 4]
            picture = Image.new("RGB", (40 + number, 30), (at * 60, number * 30, 90))
            picture.save(folder / "pix" / wnid / f"{number}.{kind.lower()}", kind)
    said = call("builders", "images", "index", f"folder:{folder / 'pix'}", "--classes", "imagenet",
                "--out", folder / "index")  # fmt: skip
    assert said.code == 0, said.err
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def built(data: Path) -> Path:
    """Return the mixture, made by one process."""
    from tests.cli.conftest import call

    said = call("mix", "build", data / "recipe.yaml", "--out", data / "out", "--json")
    assert said.code == 0, said.err
    assert said.summary["samples"] == 48 and said.summary["shards"] == 7
    return data / "out"


def files(folder: Path) -> dict[str, bytes]:
    """Return the data files of a mixture, without its caches and what is said of the run."""
    about = ("config.yaml", "run.json")
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name not in about}


def test_the_stored_recipe_makes_the_same_mixture_from_anywhere(
    built: Path, tmp_path: Path, command: Command
) -> None:
    stored = Path(shutil.copy(built / "config.yaml", tmp_path / "elsewhere.yaml"))
    assert command("mix", "build", stored, "--out", tmp_path / "again").code == 0
    assert files(tmp_path / "again") == files(built)
    run = json.loads((built / "run.json").read_text())
    assert run["seed"] == 4 and run["counts"]["samples"] == 48 and run["code"]["version"]
    assert len(run["prompts"]) == 2 and len(run["inputs"]["index of pics"]) == 64
    assert len(run["inputs"]["classes of pics"]) == 64


def test_fields_of_a_recipe_are_set_by_name_and_a_dry_run_leaves_nothing(
    data: Path, tmp_path: Path, command: Command
) -> None:
    asked = ["mix", "build", data / "recipe.yaml", "--out", tmp_path / "out", "--seed", 9,
             "--set", "sources.pics.epochs=1", "--set", "shard.samples=24"]  # fmt: skip
    dry = command(*asked, "--dry-run", "--json")
    assert dry.code == 0 and dry.summary["dry_run"] and dry.summary["samples"] == 24
    assert not (tmp_path / "out").exists()
    made = command(*asked, "--json")
    assert made.code == 0 and made.summary["shards"] == dry.summary["shards"] == 3
    assert "seed: 9" in (tmp_path / "out" / "config.yaml").read_text()
    for assignment, words in (
        ("sources.pix.epochs=1", "has no sources.pix; have: pics"),
        ("epochs=1", "there is no field epochs"),
        ("sources=1", "sources cannot be"),
        ("sources.epochs=1", "is no group of fields"),
        ("seed", "--set takes name=value"),
    ):
        said = command("mix", "plan", data / "recipe.yaml", "--out", tmp_path / "no",
                       "--set", assignment)  # fmt: skip
        assert said.code == 2 and words in said.err, said.err
    assert not (tmp_path / "no").exists()


def test_each_row_that_is_asked_for_and_cannot_be_used_is_named(
    data: Path, tmp_path: Path, command: Command
) -> None:
    place = Path(shutil.copytree(data / "pix", tmp_path / "pix"))
    (place / WNIDS[0] / "bad.jpeg").write_bytes(b"no image")
    assert command("builders", "images", "index", f"folder:{place}", "--classes", "imagenet",
                   "--out", tmp_path / "index").code == 0  # fmt: skip
    asked = RECIPE + f"    where: {{classes: [{WNIDS[0]}]}}\n"
    (tmp_path / "recipe.yaml").write_text(asked)
    said = command("mix", "plan", tmp_path / "recipe.yaml", "--out", tmp_path / "out")
    assert said.code == 0 and "16  pics: class not asked for" in said.out
    rows = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").open()]
    assert [row["input"] for row in rows] == [f"pics:{WNIDS[0]}/bad.jpeg"]
    assert rows[0]["stage"] == "plan" and rows[0]["reason"]


def test_any_number_of_workers_and_a_resumed_build_write_the_same_bytes(
    data: Path, built: Path, tmp_path: Path, command: Command
) -> None:
    assert command("mix", "build", data / "recipe.yaml", "--out", tmp_path / "two",
                   "--workers", 2).code == 0  # fmt: skip
    assert files(tmp_path / "two") == files(built)
    cut = Path(shutil.copytree(built, tmp_path / "cut"))
    for name in ("manifest.json", "tiny-000001.receipt.json", "tiny-000003.tar"):
        (cut / name).unlink()
    kept = (cut / "tiny-000000.tar").stat().st_ino
    assert command("mix", "build", data / "recipe.yaml", "--out", cut).code == 0
    assert files(cut) == files(built) and (cut / "tiny-000000.tar").stat().st_ino == kept


def test_every_image_stands_as_often_as_asked_with_its_own_bytes_and_name(
    data: Path, built: Path
) -> None:
    seen: Counter[str] = Counter()
    for sample in load(built, shuffle=False, cache=data / "cache"):
        row = sample.record
        seen[row["source_id"]] += 1
        original = data / "pix" / row["source_id"]
        ((extension, content),) = sample.files.items()
        if original.suffix == ".gif":  # no loader of shards reads it
            assert extension == "jpg"
            assert Image.open(io.BytesIO(content)).format == "JPEG"
        else:
            assert content == original.read_bytes()
        asked, said = row["conversations"]
        assert asked["value"].startswith("<image>\n") and said["from"] == "gpt"
    assert set(seen.values()) == {2} and len(seen) == 24


def test_the_shards_are_plain_tars_without_clock_or_owner(built: Path) -> None:
    for shard in sorted(built.glob("*.tar")):
        with tarfile.open(shard) as tar:
            for member in tar:
                assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o644)
                assert (member.uname, member.gname) == ("", "")


def test_no_published_file_holds_a_path_of_this_machine(data: Path, built: Path) -> None:
    assert not [name for name, content in files(built).items() if str(data).encode() in content]


def test_a_shard_holds_one_kind_of_image_so_that_datasets_opens_every_one(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets, a peer")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    found: Counter[str] = Counter()
    for shard in sorted(built.glob("*.tar")):
        rows = datasets.load_dataset(
            "webdataset", data_files={"train": str(shard)}, split="train", cache_dir=tmp_path
        )
        [kind] = {"jpg", "png", "webp"} & set(rows.column_names)
        assert all(image.size[1] == 30 for image in rows[kind])
        found[kind] += len(rows)
    assert found == {"jpg": 24, "png": 12, "webp": 12}


def test_verify_says_that_all_is_right_or_names_the_damage(
    built: Path, tmp_path: Path, command: Command
) -> None:
    assert command("mix", "verify", built).code == 0
    spoilt = Path(shutil.copytree(built, tmp_path / "spoilt"))
    content = bytearray((spoilt / "tiny-000002.tar").read_bytes())
    content[700] ^= 1
    (spoilt / "tiny-000002.tar").write_bytes(content)
    (spoilt / "tiny-000004.tar").unlink()
    said = command("mix", "verify", spoilt)
    assert said.code == 2
    assert "tiny-000002.tar" in said.out and "tiny-000004.tar" in said.out
    found = command("mix", "verify", spoilt, "--json")
    faults = json.loads(found.out.splitlines()[-1])["faults"]
    assert len(faults) == 2 and len(faults[0]["samples"]) == 1
    nowhere = command("mix", "verify", tmp_path / "nowhere")
    assert nowhere.code == 2 and "there is no folder" in nowhere.err
    assert "holds no shard and no plan" in command("mix", "verify", tmp_path).err
    assert command("mix", "verify", built, "--workers", 0).code == 2


def test_a_receipt_that_cannot_be_read_is_named(
    data: Path, built: Path, tmp_path: Path, command: Command
) -> None:
    odd = Path(shutil.copytree(built, tmp_path / "odd"))
    (odd / "tiny-000003.receipt.json").unlink()
    (odd / "tiny-000003.receipt.json").mkdir()
    for said in (command("mix", "verify", odd),
                 command("mix", "build", data / "recipe.yaml", "--out", odd)):  # fmt: skip
        assert said.code == 2 and "tiny-000003.receipt.json: it is a folder" in said.err


def test_a_damaged_plan_is_made_again(
    data: Path, built: Path, tmp_path: Path, command: Command
) -> None:
    odd = Path(shutil.copytree(built, tmp_path / "odd"))
    (odd / "plan.parquet").write_bytes(b"x")
    assert command("mix", "verify", odd).code == 2
    assert command("mix", "build", data / "recipe.yaml", "--out", odd).code == 0
    assert files(odd) == files(built) and command("mix", "verify", odd).code == 0


def test_verify_holds_the_shards_against_the_plan(
    built: Path, tmp_path: Path, command: Command
) -> None:
    moved = Path(shutil.copytree(built, tmp_path / "moved"))
    with (moved / "plan.parquet").open("ab") as stream:
        stream.write(b"x")
    (moved / "tiny-000001.tar").unlink()
    said = command("mix", "verify", moved)
    assert said.code == 2 and "2 faults" in said.err
    assert "plan.parquet is not the plan" in said.out and "tiny-000001.tar" in said.out
    shutil.copy(built / "tiny-000001.tar", moved)
    for name in ("plan.parquet", "plan.json"):  # as a copy of the shards alone has it
        (moved / name).unlink()
    assert command("mix", "verify", moved).code == 0


@pytest.mark.parametrize("name", ["0.jpeg", "3.gif"])  # kept, and made anew
def test_an_image_that_changed_since_the_plan_is_refused_and_nothing_is_published(
    name: str, data: Path, tmp_path: Path, command: Command
) -> None:
    other = Path(shutil.copytree(data, tmp_path / "other"))
    shutil.rmtree(other / "out", ignore_errors=True)
    planned = command("mix", "plan", other / "recipe.yaml", "--out", other / "out", "--json")
    assert planned.code == 0 and planned.summary["samples"] == 48
    victim = other / "pix" / WNIDS[0] / name
    content = bytearray(victim.read_bytes())
    content[-10] ^= 1
    victim.write_bytes(content)
    said = command("mix", "build", other / "recipe.yaml", "--out", other / "out")
    assert said.code == 2 and "Traceback" not in said.err and "planned" in said.err
    assert str(victim) in said.err
    assert not (other / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed: 4", "seed: 5", "seed was 4, now it is 5"),
        ("name: pics", "name: [", "is not YAML"),
        ("epochs: 2", "epochs: 0", "epochs"),
        ("read: images:index", "read: images:nowhere", "nowhere"),
    ],
)
def test_mistakes_are_one_sentence(
    old: str, new: str, words: str, data: Path, built: Path, tmp_path: Path, command: Command
) -> None:
    recipe = data / f"changed-{abs(hash((old, new)))}.yaml"
    recipe.write_text(RECIPE.replace(old, new))
    out = Path(shutil.copytree(built, tmp_path / "out"))
    said = command("mix", "build", recipe, "--out", out)
    assert said.code == 2 and words in said.err and "Traceback" not in said.err


def test_a_folder_of_something_else_is_left_alone(
    data: Path, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    said = command("mix", "build", data / "recipe.yaml", "--out", tmp_path)
    assert said.code == 2 and "no run folder" in said.err


def test_wnids_are_never_answers(data: Path, tmp_path: Path, command: Command) -> None:
    nameless = data / "nameless.yaml"
    nameless.write_text(RECIPE.replace("    classes: imagenet\n", ""))
    said = command("mix", "plan", nameless, "--out", tmp_path / "out")
    assert said.code == 2 and "are wnids" in said.err and "classes: imagenet" in said.err


def test_rows_are_not_drawn_beyond_reason(data: Path, tmp_path: Path, command: Command) -> None:
    said = command("mix", "plan", data / "recipe.yaml", "--out", tmp_path / "out", "--set",
                   "sources.pics.epochs=null", "--set", "sources.pics.count=10000000")  # fmt: skip
    assert said.code == 2 and "more than 10,000 of each" in said.err
    few = command("mix", "plan", data / "recipe.yaml", "--out", tmp_path / "few", "--json")
    assert few.summary["times_each_row"] == {"pics": 2.0}


def test_recipes_are_listed_printed_and_explained(tmp_path: Path, command: Command) -> None:
    assert "imagenet+llava665k\n    The paper's mix" in command("mix", "recipes").out
    assert len(command("mix", "recipes", "--json").summary) == 13
    (tmp_path / "own.yaml").write_text(command("mix", "recipes", "imagenet-only").out)
    assert load_recipe(str(tmp_path / "own.yaml")).name == "imagenet-only"
    fields = command("mix", "recipes", "--fields").out
    assert "sources[].where.shortest_side  pixels" in fields
    assert "templates of captions: caption, caption_varied" in fields
    lines = [line for line in fields.splitlines() if line and not line.startswith("templates")]
    named = [line.split() for line in lines]
    groups = {"shard", "image", "sources[]", "sources[].where", "sources[].name"}
    assert [words[0] for words in named if len(words) == 1 and words[0] not in groups] == []
    lost = command("mix", "recipes", "imagenet")
    assert lost.code == 2 and "have: caltech" in lost.err
