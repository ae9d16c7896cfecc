"""Front-end libraries: what is copied, and what the lock files must not hold."""

from __future__ import annotations

import json

import pytest

from config.launch import assets
from config.launch.assets import AssetsFailed
from config.launch.places import ROOT


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A checkout with its own node_modules."""
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    (tmp_path / "node_modules").mkdir()
    return tmp_path / "node_modules"


def test_addresses_of_source_maps_are_cut(modules, tmp_path):
    (modules / "a.min.css").write_text("a{}\n/*# sourceMappingURL=a.min.css.map */")
    (modules / "a.min.js").write_text("let url = 1;\n//# sourceMappingURL=a.min.js.map")
    assets.copy(modules / "a.min.css", tmp_path / "out/a.css", folder=False)
    assets.copy(modules / "a.min.js", tmp_path / "out/a.js", folder=False)
    assert (tmp_path / "out/a.css").read_text() == "a{}\n"
    assert (tmp_path / "out/a.js").read_text() == "let url = 1;\n"


def test_only_the_newest_font_is_offered(modules, tmp_path):
    font = '@font-face{src:url("./f/i.woff2?v3") format("woff2"),url("./f/i.woff?") format("woff"),'
    font += 'url("./f/i.ttf?v3") format("truetype")}.ti{}'
    (modules / "i.css").write_text(font)
    assets.copy(modules / "i.css", tmp_path / "i.css", folder=False)
    assert (tmp_path / "i.css").read_text() == '@font-face{src:url("./f/i.woff2?v3") format("woff2")}.ti{}'


def test_a_library_that_lost_a_file_is_a_sentence(modules, tmp_path):
    with pytest.raises(AssetsFailed, match="node_modules/gone.js is not there any more"):
        assets.copy(modules / "gone.js", tmp_path / "gone.js", folder=False)


def test_a_failed_build_leaves_the_former_result(modules, tmp_path, monkeypatch):
    served = tmp_path / "var" / "assets"
    served.mkdir(parents=True)
    (served / "former.css").touch()
    monkeypatch.setattr(assets, "ASSETS", served)
    monkeypatch.setattr(assets, "DEV_ASSETS", tmp_path / "var" / "assets-dev")
    monkeypatch.setattr(assets, "fingerprint", lambda: "new")
    monkeypatch.setattr(assets, "run_npm", lambda *arguments: None)  # came back without the libraries
    with pytest.raises(AssetsFailed):
        assets.build()
    assert (served / "former.css").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-node.lock", "package-lock.json"])
def test_locks_hold_hashes_and_no_addresses(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "file:" not in text
    if name.endswith(".json"):
        packages = [each for path, each in json.loads(text)["packages"].items() if path]
        assert packages
        assert all(each["integrity"].startswith("sha512-") and "resolved" not in each for each in packages)
    else:
        pinned = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
        assert pinned
        assert all(line.endswith("\\") for line in pinned)  # each is followed by its hashes
        assert text.count("--hash=sha256:") >= len(pinned)


def test_every_file_of_the_list_was_made():
    if not (assets.ASSETS / ".made").exists():
        pytest.skip("assets are not built (make assets)")
    for place in [*assets.SERVED.values()]:
        assert (assets.ASSETS / place).exists(), place
