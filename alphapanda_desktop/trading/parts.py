"""What the order path, the kill switch and the news from the broker share: one account's ports, books and rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from alphapanda_desktop.domain.ports import Broker, Clock, Journal
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.gate import Gate
from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.trading.ledger import Ledger
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.owed import OwedIntents
from alphapanda_desktop.trading.recall import Recall
from alphapanda_desktop.trading.riskkeeper import RiskKeeper
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.tags import Tags
from alphapanda_desktop.trading.voice import Voice


@dataclass(frozen=True, slots=True)
class Parts:
    """Built once by the desk. `hours` says that orders are held to the exchanges' hours."""

    broker: Broker
    journal: Journal
    market: Market
    clock: Clock
    scope: Scope
    books: Books
    gate: Gate
    voice: Voice
    governor: Governor
    risk: RiskKeeper
    ledger: Ledger
    tags: Tags
    hours: bool
    recall: Recall = field(default_factory=Recall)
    owed: OwedIntents = field(default_factory=OwedIntents)
