"""What the local Kite lists by name: real symbols and tokens, plausible prices, weights and temperaments.

Symbols, exchange tokens and names are facts of Kite's instrument master of 30 July 2026; prices are round figures of
about that time, index weights are rough.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Stock(NamedTuple):
    """A company on NSE. Price in rupees, volume in millions a day, weights in per cent, `bse` its BSE code or 0."""

    symbol: str
    exchange_token: int
    name: str
    price: float
    millions: float
    sector: str
    nifty: float
    bank: float = 0.0
    sensex: float = 0.0
    lot: int = 0
    bse: int = 0


STOCKS: Final = (
    Stock("RELIANCE", 2885, "RELIANCE INDUSTRIES", 1310, 12.0, "energy", 9.0, 0, 10.5, 500, 500325),
    Stock("HDFCBANK", 1333, "HDFC BANK", 810, 22.0, "bank", 12.5, 28.0, 15.0, 650, 500180),
    Stock("ICICIBANK", 4963, "ICICI BANK", 1330, 11.0, "bank", 9.0, 25.0, 11.0, 700, 532174),
    Stock("INFY", 1594, "INFOSYS", 1160, 9.0, "it", 5.0, 0, 6.0, 400, 500209),
    Stock("SBIN", 3045, "STATE BANK OF INDIA", 1040, 12.0, "bank", 4.0, 10.0, 4.5, 750, 500112),
    Stock("TCS", 11536, "TATA CONSULTANCY SERV LT", 2420, 2.6, "it", 3.0, 0, 3.6, 175, 532540),
    Stock("BHARTIARTL", 10604, "BHARTI AIRTEL", 1890, 5.5, "consumer", 5.0, 0, 6.0, 475, 532454),
    Stock("LT", 11483, "LARSEN & TOUBRO", 3920, 1.9, "industry", 4.5, 0, 5.4),
    Stock("ITC", 1660, "ITC", 305, 16.0, "consumer", 3.2, 0, 3.8),
    Stock("AXISBANK", 5900, "AXIS BANK", 1270, 7.0, "bank", 3.2, 9.5, 3.9),
    Stock("KOTAKBANK", 1922, "KOTAK MAHINDRA BANK", 392, 13.0, "bank", 2.8, 9.0, 3.3),
    Stock("BAJFINANCE", 317, "BAJAJ FINANCE", 1015, 6.5, "bank", 2.4, 0, 2.8),
    Stock("M&M", 2031, "MAHINDRA & MAHINDRA", 3260, 2.3, "auto", 2.7, 0, 3.2),
    Stock("HINDUNILVR", 1394, "HINDUSTAN UNILEVER", 2230, 1.6, "consumer", 1.9, 0, 2.3),
    Stock("MARUTI", 10999, "MARUTI SUZUKI INDIA", 13450, 0.4, "auto", 1.8, 0, 2.1),
    Stock("SUNPHARMA", 3351, "SUN PHARMACEUTICAL IND L", 1720, 2.2, "consumer", 1.7, 0, 2.0),
    Stock("TITAN", 3506, "TITAN COMPANY", 4180, 1.0, "consumer", 1.6, 0, 1.8),
    Stock("NTPC", 11630, "NTPC", 372, 9.0, "energy", 1.6, 0, 1.9),
    Stock("ETERNAL", 5097, "ETERNAL - ZOMATO", 262, 30.0, "consumer", 1.6, 0, 1.9),
    Stock("HCLTECH", 7229, "HCL TECHNOLOGIES", 1240, 2.7, "it", 1.4, 0, 1.7),
    Stock("ULTRACEMCO", 11532, "ULTRATECH CEMENT", 11620, 0.3, "industry", 1.3, 0, 1.6),
    Stock("TATASTEEL", 3499, "TATA STEEL", 196, 32.0, "industry", 1.3, 0, 1.5),
    Stock("BEL", 383, "BHARAT ELECTRONICS", 418, 14.0, "industry", 1.3, 0, 1.5),
    Stock("POWERGRID", 14977, "POWER GRID CORP.", 288, 10.0, "energy", 1.2, 0, 1.4),
    Stock("ASIANPAINT", 236, "ASIAN PAINTS", 2460, 1.0, "consumer", 1.0, 0, 1.2),
    Stock("ONGC", 2475, "OIL AND NATURAL GAS CORP.", 238, 14.0, "energy", 0.9),
    Stock("WIPRO", 3787, "WIPRO", 204, 15.0, "it", 0.7),
    Stock("COALINDIA", 20374, "COAL INDIA", 441, 7.0, "energy", 0.9),
    Stock("TMPV", 3456, "TATA MOTORS PASS VEH", 352, 12.0, "auto", 0.7),
    Stock("YESBANK", 11915, "YES BANK", 21.4, 90.0, "bank", 0, 1.5),
    Stock("IDEA", 14366, "VODAFONE IDEA", 9.2, 350.0, "consumer", 0),
)


class Index(NamedTuple):
    """An index: `weight` names the column of Stock that it follows, `root` what its derivatives are called."""

    symbol: str
    exchange_token: int
    exchange: str
    level: float
    weight: str
    root: str
    venue: str
    lot: int
    tick: float
    gap: float


INDICES: Final = (
    Index("NIFTY 50", 1001, "NSE", 24_420.0, "nifty", "NIFTY", "NFO", 65, 0.1, 50.0),
    Index("NIFTY BANK", 1016, "NSE", 56_400.0, "bank", "BANKNIFTY", "NFO", 30, 0.2, 100.0),
    Index("SENSEX", 1, "BSE", 79_600.0, "sensex", "SENSEX", "BFO", 20, 0.05, 100.0),
)


class Future(NamedTuple):
    """What currency and commodity contracts are written on. `volatility` is a year's, `daily` lots a day."""

    root: str
    exchange: str
    price: float
    tick: float
    volatility: float
    daily: float
    sector: str
    token: int


FUTURES: Final = (
    Future("USDINR", "CDS", 88.6, 0.0025, 0.035, 900_000, "currency", 1201),
    Future("USDINR", "BCD", 88.6, 0.0025, 0.035, 150_000, "currency", 1_027_301),
    Future("CRUDEOIL", "MCX", 5_720.0, 1.0, 0.36, 18_000, "crude", 472_901),
    Future("GOLD", "NCO", 118_400.0, 1.0, 0.16, 400, "gold", 5_301),
)

SECTORS: Final = ("market", "bank", "it", "energy", "consumer", "industry", "auto")
"""Whose factors these are, in order; the rest belong to nobody and make stocks differ."""
