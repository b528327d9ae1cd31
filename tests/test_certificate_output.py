"""Certificates as text, data, frames and on the command line; what the core refuses."""

from __future__ import annotations

import json
from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from certified import certified, of
from gexcore import _core
from gexcore.cli import main
from gexcore.errors import ConventionError, InputError


def test_certificate_as_text_data_and_frame(capsys: pytest.CaptureFixture[str]) -> None:
    levels = certified([1.0, -1.0], [90.0, 111.0], 0.1, 0.2, spots=[80.0, 85.0, 120.0])
    certificate = of(levels)
    head, *table = str(certificate).splitlines()
    assert head == "proved: exactly 1 crossing from 80 to 120"
    assert [line.split()[-1] for line in table] == ["gamma", "positive", "once", "negative"]
    assert repr(certificate) == "<Certificate proved: 3 intervals, 0 missed>"
    data = json.loads(json.dumps(levels.to_dict()))["certificate"]
    assert (data["status"], data["searched"], data["missed"]) == ("proved", [80.0, 120.0], 0)
    assert [part["sign"] for part in data["cover"]] == [1, None, -1]
    frame = certificate.to_frame()
    assert list(frame.columns) == ["low", "high", "kind", "sign"]
    assert frame["low"][0] == 80.0
    assert "certificate" not in str(gex.find_levels(levels.exposures, levels.profile))


def test_command_line(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(test_data / "data" / "cboe_spy_2023-09-14.csv")
    assert main(["levels", path, "--certify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certificate"]["status"] == "proved"
    assert main(["levels", path, "--certify"]) == 0
    assert "certificate            proved  " in capsys.readouterr().out
    assert main(["levels", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certificate"] is None


def test_vols_that_move_are_beyond_the_proof() -> None:
    chain = gex.synthetic_chain(400)
    with pytest.raises(
        ConventionError, match=r"nothing is proved with vols that move \(ssr=1\.5\)"
    ):
        gex.analyze(chain, dynamics="ssr=1.5", certify=True)
    assert gex.analyze(chain, dynamics="ssr=1.5").levels.certificate is None
    assert of(gex.analyze(chain, dynamics="ssr=1", certify=True).levels).status == "proved"


def test_what_the_core_refuses_and_what_it_cannot_prove() -> None:
    column = np.array([100.0, 101.0])
    book = _core.GammaProfile(column, 0.1, 0.2, 0.0, 0.0, np.array([1.0, -1.0]))
    for low, high in ((0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (1.0, np.inf), (np.nan, 1.0)):
        with pytest.raises(InputError, match="low, high"):
            _core.certify(book, low, high, np.array([]))
    with pytest.raises(InputError, match="known: is a single number"):
        _core.certify(book, 90.0, 110.0, 100.0)  # type: ignore[arg-type]
    for vol, weight in (
        (np.nan, 1.0),
        (0.2, np.inf),
        (1e-9, 1.0),
    ):  # the last is narrower than 1e-8
        odd = _core.GammaProfile(
            column, 0.1, np.array([0.2, vol]), 0.0, 0.0, np.array([-1.0, weight])
        )
        (row,) = _core.certify(odd, 90.0, 110.0, np.array([]))
        assert row[2] == "undecided"
