"""The grammar of the command line: commands, options, and help texts that teach."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from gexcore import __version__, bsm
from gexcore.cli.feed_options import record_options, replay_options
from gexcore.cli.report import report_options
from gexcore.cli.values import names, share, shares
from gexcore.clock import CLOCKS
from gexcore.conventions import RATE_SOURCES
from gexcore.dynamics import KINDS
from gexcore.errors import GexError
from gexcore.implied_vols import VOL_SOURCES
from gexcore.levels import SIDES
from gexcore.positions import RULES, SIZES
from gexcore.scenario import EXPOSURES as SCENARIOS
from gexcore.units import EXPOSURES, FUTURES, UNITS

_EPILOG = """examples:
  gexcore demo
  gexcore levels spx_quotedata.csv
  gexcore levels spx.csv --rate 5% --dividend-yield 1.5% --scope 'dte<=30' --positions short_all
  gexcore levels spx.csv --rate 5.3% --dividend-yield 1.5% --across
  gexcore levels _SPX.json --json | jq .zero_gamma.value
  gexcore exposures spx.csv --greek vanna --by expiry,strike --csv > vanna.csv
  gexcore profile spx.csv --which gamma,delta --from 4000 --to 5000 --steps 101
  gexcore diff spx_monday.csv spx_tuesday.csv
  gexcore report spx.csv -o report.html --pdf
  gexcore plot spx_*.csv --kind history -o history.png
  gexcore rates spx.csv
  gexcore record --synthetic -o feed.jsonl && gexcore replay feed.jsonl

A file is a chain in one of the formats that `gexcore formats` lists, plain or .gz; - is standard
input.
exit codes: 0 done, 1 failed inside, 2 the input or the command cannot be used
"""


PICTURES = ("strikes", "profile", "heat_map", "scenario", "ladder", "path", "history")


class _Parser(argparse.ArgumentParser):
    """One line on stderr instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise GexError(message, hint=f"{self.prog} --help")


def _source_options(*files: str) -> _Parser:
    source = _Parser(add_help=False)
    for name in files:
        several: Any = {"nargs": "+"} if name == "files" else {}
        about = "chain file, or - for standard input"
        source.add_argument(name, metavar=name.upper().removesuffix("S"), help=about, **several)
    group = source.add_argument_group("source")
    group.add_argument(
        "--format", metavar="NAME", help="see `gexcore formats`; default: recognised by its names"
    )
    if len(files) == 1:
        group.add_argument(
            "--also", action="append", default=[], metavar="FILE",
            help="further pages or parts of the same chain; may be repeated",
        )  # fmt: skip
        group.add_argument(
            "--spot", type=float, metavar="PRICE", help="of the underlying; default: the file's"
        )
        group.add_argument("--underlying", metavar="SYMBOL", help="default: the file's")
    group.add_argument(
        "--vol-unit",
        choices=("auto", "decimal", "percent"),
        default="auto",
        help="default: percent if the median vol is 3 or more",
    )
    return source


def _path_options(*files: str) -> _Parser:
    """Options of the path from files to positions, the same for every command."""
    path = _Parser(add_help=False, parents=[_source_options(*files)])
    group = path.add_argument_group("conventions, all named in the output")
    group.add_argument(
        "--as-of",
        default="auto",
        metavar="WHEN",
        help="when the quotes were true: printed (the file's time), session (last 16:00 New York), "
        "or an ISO time with zone; default: printed, on a weekend session",
    )
    group.add_argument(
        "--clock",
        choices=CLOCKS,
        default=CLOCKS[0],
        help="time to expiry: seconds to settlement (default), or the day counts that published "
        "numbers use",
    )
    group.add_argument(
        "--rates",
        choices=RATE_SOURCES,
        default="auto",
        help="parity: forwards from put and call quotes; flat: --rate and --dividend-yield, "
        "0 where not given; default: parity where European contracts are quoted and no rate is "
        "given",
    )
    group.add_argument("--rate", type=share, metavar="R", help="continuous rate, 0.05 or 5%%")
    group.add_argument(
        "--dividend-yield", type=share, metavar="Y", help="continuous, 0.015 or 1.5%%"
    )
    group.add_argument(
        "--imply",
        type=lambda price: (price, True),
        metavar="PRICE",
        help=f"imply vols from this price where the file has none: {', '.join(VOL_SOURCES)} (the "
        "mid that is out of the money, for call and put); default: such contracts are dropped",
    )
    group.add_argument(
        "--imply-all",
        dest="imply",
        type=lambda price: (price, False),
        metavar="PRICE",
        help="imply every vol from this price",
    )
    group.add_argument(
        "--scope",
        default="all",
        help="which contracts: all, next, 0dte, ex-next, 'dte<=N', root=SPXW, expiry=2024-03-15",
    )
    return path


def _position_options() -> _Parser:
    held = _Parser(add_help=False)
    group = held.add_argument_group("who holds what")
    assigned = {name: rule for name, rule in RULES.items() if rule.needs != "trades"}
    group.add_argument(
        "--positions",
        choices=list(assigned),
        default="naive",
        help="; ".join(f"{name}: {rule.meaning}" for name, rule in assigned.items())
        + "; default naive",
    )
    group.add_argument(
        "--position-file",
        metavar="CSV",
        help="for contracts and weights: lines of root,expiry,strike,option_type,contracts (or "
        "weights); contracts it does not name have no position",
    )
    group.add_argument(
        "--size", choices=SIZES, default=SIZES[0], help="column that positions are sized by"
    )
    return held


def _dynamics_options() -> _Parser:
    moves = _Parser(add_help=False)
    rules = "; ".join(f"{n}{'=X' * k.takes_value}: {k.meaning}" for n, k in KINDS.items())
    rules = rules.replace("%", "%%")
    moves.add_argument(
        "--dynamics",
        default="sticky_strike",
        metavar="RULE",
        help=f"how vols move with spot; {rules}; default sticky_strike",
    )
    return moves


def _table_options() -> _Parser:
    shape = _Parser(add_help=False)
    kind = shape.add_mutually_exclusive_group()
    kind.add_argument("--json", action="store_true", help="print JSON instead of a table")
    kind.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    return shape


def _wall_options() -> _Parser:
    walls = _Parser(add_help=False)
    group = walls.add_argument_group("walls")
    group.add_argument(
        "--side",
        choices=SIDES,
        default="net",
        help="walls by net gamma, or by call and put gamma alone",
    )
    group.add_argument(
        "--gated", action="store_true", help="call wall at or above spot, put wall at or below"
    )
    return walls


def _saved(table: _Parser) -> _Parser:
    shape = _Parser(add_help=False, parents=[table])
    shape.add_argument("--npz", metavar="OUT", help="write axes and values as a NumPy file instead")
    return shape


def _regime_options() -> _Parser:
    regime = _Parser(add_help=False)
    regime.add_argument(
        "--details",
        action="store_true",
        help="also expirations, top strikes, drivers, landscape and all flags",
    )
    regime.add_argument(
        "--across",
        action="store_true",
        help="the levels under 27 conventions instead (rates, clocks, as_of, scopes, sides of "
        "walls), their intervals and what moves each most",
    )
    regime.add_argument(
        "--certify", action="store_true", help="prove that no crossing of zero gamma was missed"
    )
    regime.add_argument(
        "--sensitivities",
        action="store_true",
        help="also how levels move per day, vol point, rate point and open interest",
    )
    regime.add_argument(
        "--path",
        action="store_true",
        help="also the levels to the close and over the next five sessions, spot unchanged",
    )
    return regime


def _impact_options() -> _Parser:
    regime = _Parser(add_help=False)
    group = regime.add_argument_group("regime")
    group.add_argument("--adv", type=float, metavar="USD", help="average daily volume in dollars")
    group.add_argument(
        "--kappa",
        type=float,
        help="price impact of one day's volume (with --adv): feedback multiplier",
    )
    return regime


def _exposure_options() -> _Parser:
    what = _Parser(add_help=False)
    what.add_argument("--greek", choices=EXPOSURES, default="gamma", help="default gamma")
    keys = "strike (default), expiry, option_type, root, or several: expiry,strike"
    what.add_argument("--by", type=names, default=("strike",), metavar="KEYS", help=keys)
    units = "; ".join(f"{g}: {', '.join(u.name for u in UNITS if u.greek == g)}" for g in EXPOSURES)
    what.add_argument("--unit", help=f"unit, default the first of each: {units}")
    what.add_argument("--futures", choices=FUTURES, help="contract of futures_per_point")
    what.add_argument("--adv", type=float, metavar="USD", help="daily dollar volume of pct_adv")
    return what


def _profile_options() -> _Parser:
    what = _Parser(add_help=False)
    known = ", ".join((*EXPOSURES, "effective_gamma"))
    what.add_argument("--which", type=names, default=("gamma",), help=f"of {known}")
    what.add_argument("--from", type=float, dest="low", metavar="SPOT", help="default 0.9 spot")
    what.add_argument("--to", type=float, dest="high", metavar="SPOT", help="default 1.1 spot")
    what.add_argument("--steps", type=int, default=41, help="number of spots, default 41")
    return what


def _diff_options() -> _Parser:
    what = _Parser(add_help=False)
    known = ", ".join(EXPOSURES)
    what.add_argument("--which", type=names, default=("gamma",), help=f"exposures, of {known}")
    what.add_argument(
        "--positions-after",
        choices=[name for name, rule in RULES.items() if rule.needs is None],
        help="rule for AFTER, default that of BEFORE",
    )
    return what


def _grid_options() -> _Parser:
    grid = _Parser(add_help=False)
    group = grid.add_argument_group("scenarios")
    group.add_argument("--exposure", choices=SCENARIOS, default="gamma", help="default gamma")
    group.add_argument(
        "--spots",
        metavar="GRID",
        help="4500,4600 or 4500:4900:9 (low, high, how many) or =-5%%:5%%:21; default +-10%%",
    )
    group.add_argument(
        "--times",
        metavar="TIMES",
        help="days ahead such as 0,0.25,1 or ISO times with zone; default: to the close, hour by "
        "hour, and the closes of the next five sessions",
    )
    group.add_argument(
        "--vol-shifts",
        type=shares,
        default=(0.0,),
        metavar="SHIFTS",
        help="added to every vol: =-0.02,0,0.02 or =-2%%,0,2%% (2 vol points); default 0",
    )
    return grid


def _hedge_options() -> _Parser:
    what = _Parser(add_help=False)
    kind = what.add_mutually_exclusive_group()
    kind.add_argument("--ladder", action="store_true", help="moves of 0.25 to 5%% either way")
    kind.add_argument(
        "--charm-to-close", action="store_true", help="what the passage of time to the close does"
    )
    kind.add_argument(
        "--unwind", action="store_true", help="what the next settlement releases, by spot"
    )
    kind.add_argument(
        "--spot-return", type=share, default=0.0, metavar="R", help="one move: 0.01 or 1%%"
    )
    what.add_argument("--days", type=float, default=0.0, help="calendar days that pass")
    what.add_argument("--vol-points", type=float, default=0.0, help="added to every vol, 1 = 0.01")
    what.add_argument("--futures", choices=FUTURES, help="hedge in whole futures contracts")
    what.add_argument(
        "--hedge-held", type=float, default=0.0, metavar="SHARES", help="held already, signed"
    )
    return what


def _plot_options() -> _Parser:
    what = _Parser(add_help=False)
    about = "default strikes; history: levels over the times of several files"
    what.add_argument("--kind", choices=PICTURES, default="strikes", help=about)
    what.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a .png, .svg or .pdf file"
    )
    what.add_argument("--dark", action="store_true", help="light on dark")
    return what


def _greek_options() -> _Parser:
    what = _Parser(add_help=False)
    default = ("price", "delta", "gamma", "vega", "theta", "vanna", "charm")
    what.add_argument("--which", type=names, default=default, help=f"of {', '.join(bsm.GREEKS)}")
    return what


def build_parser(
    run: Mapping[str, Callable[[argparse.Namespace], None]],
) -> argparse.ArgumentParser:
    """The whole grammar; `run` has the function of each command."""
    parser = _Parser(
        prog="gexcore",
        description="Dealer gamma exposure, zero gamma, walls and regime from option chains.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gexcore {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    path, held, table = _path_options("file"), _position_options(), _table_options()
    moves, walls = _dynamics_options(), _wall_options()
    grammar: Mapping[str, tuple[str, list[Any]]] = {
        "levels": (
            "zero gamma, walls and regime of a chain file",
            [path, held, moves, walls, _regime_options(), _impact_options(), table],
        ),
        "report": (
            "one page with all of it, interactive and self-contained, or a PDF",
            [path, held, moves, walls, _impact_options(), report_options()],
        ),
        "diff": (
            "why exposures and levels changed between two chain files",
            [_path_options("before", "after"), held, walls, _diff_options(), table],
        ),
        "exposures": ("an exposure summed by a key", [path, held, _exposure_options(), table]),
        "profile": (
            "exposures as functions of spot, re-priced",
            [path, held, moves, _profile_options(), table],
        ),
        "scenario": (
            "an exposure over spot x time x vol, re-priced",
            [path, held, moves, _grid_options(), _saved(table)],
        ),
        "hedge": (
            "what dealers must trade: now, through a move, as time passes",
            [path, held, moves, _hedge_options(), table],
        ),
        "plot": (
            "a picture: strikes, profile, heat map, scenario, ladder, path, history of files",
            [_path_options("files"), held, moves, _grid_options(), _plot_options()],
        ),
        "replay": ("levels as they change while a recorded stream is played", [replay_options()]),
        "record": ("make a recorded stream, or copy one", [record_options()]),
        "greeks": ("greeks of every contract", [path, _greek_options(), table]),
        "rates": ("forward, rate and yield per expiry from put-call parity", [path, table]),
        "demo": ("the whole path on a synthetic chain", [table]),
        "formats": ("the formats of chain files that can be read", [table]),
    }
    for name, (text, parents) in grammar.items():
        about = text[0].upper() + text[1:] + "."
        command = commands.add_parser(
            name, parents=parents, help=text, description=about, allow_abbrev=False
        )
        command.set_defaults(run=run[name])
    return parser
