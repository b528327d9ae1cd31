"""The grammar of the command line: commands, options, and help texts that teach."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NoReturn

from gexcore import __version__, bsm
from gexcore.clock import CLOCKS
from gexcore.conventions import RATE_SOURCES
from gexcore.errors import GexError
from gexcore.implied_vols import VOL_SOURCES
from gexcore.levels import SIDES
from gexcore.positions import RULES, SIZES
from gexcore.units import EXPOSURES, FUTURES, UNITS

_EPILOG = """examples:
  gexcore demo
  gexcore levels spx_quotedata.csv
  gexcore levels spx.csv --rate 5% --dividend-yield 1.5% --scope 'dte<=30' --positions short_all
  gexcore levels _SPX.json --json | jq .zero_gamma.value
  gexcore exposures spx.csv --greek vanna --by expiry,strike --csv > vanna.csv
  gexcore profile spx.csv --which gamma,delta --from 4000 --to 5000 --steps 101
  gexcore rates spx.csv

A file is a CBOE chain (delayed-quotes JSON, plain or .gz, or quotedata CSV); - is standard input.
exit codes: 0 done, 1 failed inside, 2 the input or the command cannot be used
"""


class _Parser(argparse.ArgumentParser):
    """One line on stderr instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise GexError(message, hint=f"{self.prog} --help")


def _share(text: str) -> float:
    """A decimal rate: 0.05 or 5%."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate, write 0.05 or 5%") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _path_options() -> _Parser:
    """Options of the path from a file to positions, the same for every command."""
    path = _Parser(add_help=False)
    path.add_argument("file", metavar="FILE", help="chain file, or - for standard input")
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
    group.add_argument("--rate", type=_share, metavar="R", help="continuous rate, 0.05 or 5%%")
    group.add_argument(
        "--dividend-yield", type=_share, metavar="Y", help="continuous, 0.015 or 1.5%%"
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
    group.add_argument(
        "--positions",
        choices=list(RULES),
        default="naive",
        help="; ".join(f"{name}: {rule.meaning}" for name, rule in RULES.items())
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


def _table_options() -> _Parser:
    shape = _Parser(add_help=False)
    kind = shape.add_mutually_exclusive_group()
    kind.add_argument("--json", action="store_true", help="print JSON instead of a table")
    kind.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    return shape


def _regime_options() -> _Parser:
    regime = _Parser(add_help=False)
    regime.add_argument(
        "--details",
        action="store_true",
        help="also expirations, top strikes, drivers and all flags",
    )
    group = regime.add_argument_group("walls and regime")
    group.add_argument(
        "--side",
        choices=SIDES,
        default="net",
        help="walls by net gamma, or by call and put gamma alone",
    )
    group.add_argument(
        "--gated", action="store_true", help="call wall at or above spot, put wall at or below"
    )
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
    what.add_argument("--by", type=_names, default=("strike",), metavar="KEYS", help=keys)
    units = "; ".join(f"{g}: {', '.join(u.name for u in UNITS if u.greek == g)}" for g in EXPOSURES)
    what.add_argument("--unit", help=f"unit, default the first of each: {units}")
    what.add_argument("--futures", choices=FUTURES, help="contract of futures_per_point")
    what.add_argument("--adv", type=float, metavar="USD", help="daily dollar volume of pct_adv")
    return what


def _profile_options() -> _Parser:
    what = _Parser(add_help=False)
    known = ", ".join(EXPOSURES)
    what.add_argument("--which", type=_names, default=("gamma",), help=f"of {known}")
    what.add_argument("--from", type=float, dest="low", metavar="SPOT", help="default 0.9 spot")
    what.add_argument("--to", type=float, dest="high", metavar="SPOT", help="default 1.1 spot")
    what.add_argument("--steps", type=int, default=41, help="number of spots, default 41")
    return what


def _greek_options() -> _Parser:
    what = _Parser(add_help=False)
    default = ("price", "delta", "gamma", "vega", "theta", "vanna", "charm")
    what.add_argument("--which", type=_names, default=default, help=f"of {', '.join(bsm.GREEKS)}")
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
    path, held, table = _path_options(), _position_options(), _table_options()
    grammar = {
        "levels": (
            "zero gamma, walls and regime of a chain file",
            [path, held, _regime_options(), table],
        ),
        "exposures": ("an exposure summed by a key", [path, held, _exposure_options(), table]),
        "profile": (
            "exposures as functions of spot, re-priced",
            [path, held, _profile_options(), table],
        ),
        "greeks": ("greeks of every contract", [path, _greek_options(), table]),
        "rates": ("forward, rate and yield per expiry from put-call parity", [path, table]),
        "demo": ("the whole path on a synthetic chain", [table]),
    }
    for name, (text, parents) in grammar.items():
        about = text[0].upper() + text[1:] + "."
        command = commands.add_parser(
            name, parents=parents, help=text, description=about, allow_abbrev=False
        )
        command.set_defaults(run=run[name])
    return parser
