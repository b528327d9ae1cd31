"""The compiled core; arguments are as in gexcore.bsm and friends."""

from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

_Float64: TypeAlias = npt.NDArray[np.float64]
_Numbers: TypeAlias = Any  # a number or an array; checked by the core, refused by name

__version__: str
GREEKS: tuple[str, ...]
VOL_STATUS: tuple[str, ...]
SIDE_RULES: tuple[str, ...]
DECISIONS: tuple[str, ...]
QUOTE_STATES: tuple[str, ...]

def cpu_available() -> list[str]: ...
def cpu_active() -> str: ...
def cpu_use(isa: str) -> None: ...
def get_num_threads() -> int: ...
def set_num_threads(threads: int) -> None: ...
def greeks(
    spot: _Numbers,
    strike: _Numbers,
    time_to_expiry: _Numbers,
    implied_vol: _Numbers,
    rate: _Numbers,
    dividend_yield: _Numbers,
    is_call: _Numbers,
    which: int,
    out: _Float64 | None,
    threads: int | None,
    /,
) -> _Float64: ...
def move_vols(
    implied_vol: _Numbers,
    smile: _Float64 | None,
    shift: float,
    per_log_spot: float,
    relative: float,
    spot: float,
    at: float,
    threads: int | None = ...,
) -> _Float64: ...
def sweep_dynamics(
    strike: _Numbers,
    time_to_expiry: _Numbers,
    implied_vol: _Numbers,
    rate: _Numbers,
    dividend_yield: _Numbers,
    is_call: _Numbers,
    weight: _Numbers,
    smile: _Float64 | None,
    shift: float,
    per_log_spot: float,
    relative: float,
    spot: float,
    spots: _Numbers,
    which: int,
    effective_gamma: bool,
    threads: int | None = ...,
) -> _Float64: ...
def implied_vol(
    price: _Numbers,
    spot: _Numbers,
    strike: _Numbers,
    time_to_expiry: _Numbers,
    rate: _Numbers,
    dividend_yield: _Numbers,
    is_call: _Numbers,
    return_status: bool,
    threads: int | None,
    /,
) -> Any: ...
def sum(values: _Numbers, threads: int | None = ...) -> float: ...
def sum_abs(values: _Numbers, threads: int | None = ...) -> float: ...
def sum_by(
    values: _Numbers, keys: npt.NDArray[np.int32], count: int, threads: int | None = ...
) -> _Float64: ...
def gamma_sums(
    spot: _Numbers,
    strike: _Numbers,
    time_to_expiry: _Numbers,
    implied_vol: _Numbers,
    rate: _Numbers,
    dividend_yield: _Numbers,
    weight: _Numbers,
    scale: float,
    codes: npt.NDArray[np.int32],
    count: int,
    threads: int | None = ...,
) -> tuple[_Float64, float, float]: ...
def at_the_money_vol(
    spot: _Numbers,
    strike: _Numbers,
    time_to_expiry: _Numbers,
    implied_vol: _Numbers,
    rate: _Numbers,
    dividend_yield: _Numbers,
    usable: npt.NDArray[np.bool_],
    codes: npt.NDArray[np.int32],
    times: _Numbers,
    horizon: float,
) -> float | None: ...

_Wall: TypeAlias = tuple[
    int, float, int, float
]  # row of the strike, value, row of the second, margin

def quick_levels(
    spot: _Numbers,
    strike: _Numbers,
    time_to_expiry: _Numbers,
    implied_vol: _Numbers,
    rate: _Numbers,
    dividend_yield: _Numbers,
    is_call: _Numbers,
    weight: _Numbers,
    scale: float,
    codes: npt.NDArray[np.int32],
    strikes: _Numbers,
    at_the_money_vol: float | None,
    gross: bool,
    gated: bool,
    threads: int | None,
) -> tuple[
    float, float, str, float, float, list[tuple[float, float, bool]], int, _Wall, _Wall, str
]: ...
def row_status(
    strike: _Numbers,
    multiplier: _Numbers,
    time_to_expiry: _Numbers,
    implied_vol: _Numbers,
    open_interest: _Numbers,
    bad: int,
    expired: int,
    no_vol: int,
    used: int,
) -> npt.NDArray[np.uint8]: ...
def days_of_times(times: npt.NDArray[np.int64], per_second: int) -> npt.NDArray[np.int64]: ...
def days_seen(
    days: npt.NDArray[np.int64], widest: int
) -> tuple[int, npt.NDArray[np.uint8]] | None: ...
def take_by_day(
    days: npt.NDArray[np.int64],
    first: int,
    table: npt.NDArray[np.int64],
    code: npt.NDArray[np.int32] | None,
    hour: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.int64]: ...
def number_texts(
    stream: Any, rows: int, most: int
) -> tuple[npt.NDArray[np.uint8], list[str | None]] | None: ...
def classify_trades(
    price: _Numbers,
    bid: _Numbers,
    ask: _Numbers,
    series: npt.NDArray[np.int32] | None,
    series_count: int,
    rule: int,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]: ...

@final
class GammaProfile:
    def __init__(
        self,
        strike: _Numbers,
        time_to_expiry: _Numbers,
        implied_vol: _Numbers,
        rate: _Numbers,
        dividend_yield: _Numbers,
        weight: _Numbers,
        threads: int | None = ...,
    ) -> None: ...
    def evaluate(self, spots: _Numbers, threads: int | None = ...) -> _Float64: ...
    def search_grid(self, spot: float, half_range: float) -> _Float64: ...
    def crossings(
        self, spots: _Numbers, gamma: _Numbers, polish: bool = ..., threads: int | None = ...
    ) -> list[tuple[float, float, bool, float]]: ...

@final
class GreekProfile:
    def __init__(
        self,
        strike: _Numbers,
        time_to_expiry: _Numbers,
        implied_vol: _Numbers,
        rate: _Numbers,
        dividend_yield: _Numbers,
        is_call: _Numbers,
        weight: _Numbers,
        which: int,
        threads: int | None = ...,
    ) -> None: ...
    def evaluate(self, spots: _Numbers, threads: int | None = ...) -> _Float64: ...

def certify(
    profile: GammaProfile, low: float, high: float, known: _Float64, threads: int | None = ...
) -> list[tuple[float, float, str, int, int, tuple[float, float, bool] | None]]: ...

_Mark = tuple[str, float, float, float, float, float]

@final
class LevelsReading:
    @property
    def spot(self) -> float: ...
    @property
    def net(self) -> float: ...
    @property
    def gross(self) -> float: ...
    @property
    def at_the_money_vol(self) -> float: ...
    @property
    def zero_gamma(self) -> float: ...
    @property
    def zero_status(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def crossings(self) -> list[tuple[float, float, bool, float]]: ...
    @property
    def call_wall(self) -> _Mark: ...
    @property
    def put_wall(self) -> _Mark: ...
    @property
    def absolute_gamma_strike(self) -> _Mark: ...
    @property
    def hvl(self) -> _Mark: ...
    @property
    def top_positive(self) -> list[tuple[float, float]]: ...
    @property
    def top_negative(self) -> list[tuple[float, float]]: ...
    @property
    def cumulative_gamma_crossing(self) -> float: ...
    @property
    def profile_peak(self) -> tuple[float, float]: ...
    @property
    def profile_trough(self) -> tuple[float, float]: ...
    @property
    def exact(self) -> bool: ...
    @property
    def version(self) -> int: ...
    @property
    def anchors(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __getstate__(self) -> tuple[bytes, bytes]: ...
    def __setstate__(self, state: tuple[bytes, bytes]) -> None: ...

@final
class RegimeReading:
    @property
    def kind(self) -> str: ...
    @property
    def sure(self) -> bool: ...
    @property
    def spot(self) -> float: ...
    @property
    def net(self) -> float: ...
    @property
    def gross(self) -> float: ...
    @property
    def bound(self) -> float: ...
    @property
    def zero_gamma(self) -> float: ...
    @property
    def zero_gamma_error(self) -> float: ...
    @property
    def at_the_money_vol(self) -> float: ...
    @property
    def quote_age(self) -> float: ...
    @property
    def size_age(self) -> float: ...
    @property
    def old_share(self) -> float: ...
    @property
    def version(self) -> int: ...

@final
class Book:
    def __init__(
        self, spot: float, years: _Float64, gross_walls: bool, gated_walls: bool
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def first_row(self) -> int: ...
    def add_rows(self, columns: dict[str, Any], years: _Float64) -> int: ...
    def set_traded(self, rows: npt.NDArray[np.int64], traded: _Float64) -> None: ...
    def compact(self) -> npt.NDArray[np.int64]: ...
    def counts(self) -> dict[str, int]: ...
    def update(
        self,
        rows: int | npt.NDArray[np.int64],
        implied_vol: _Numbers,
        open_interest: _Numbers,
        contracts: _Numbers,
        bid: _Numbers,
        ask: _Numbers,
    ) -> None: ...
    def remove_rows(self, rows: int | npt.NDArray[np.int64]) -> None: ...
    def set_spot(self, spot: float) -> None: ...
    def set_years(self, years: _Float64, days: float) -> None: ...
    def net(self) -> tuple[float, float]: ...
    def levels(self, exact: bool) -> LevelsReading: ...
    def regime(self, exact: bool) -> RegimeReading: ...
    def by_strike(self) -> tuple[_Float64, _Float64, _Float64]: ...
    def profile(self) -> tuple[_Float64, _Float64]: ...
    def state(self) -> dict[str, Any]: ...
