"""Acts on products and stock. Nothing else writes stock."""

from inventory.services.catalogue import (
    create_product,
    create_sku,
    create_warehouse,
    discontinue_sku,
    resume_sku,
    update_sku,
    update_warehouse,
)
from inventory.services.drafts import Posted
from inventory.services.issuing import Issue, Issued, IssueLine, issue_many
from inventory.services.late import LateCost, late_cost
from inventory.services.movements import (
    AdjustLine,
    ReceiptLine,
    ReturnLine,
    UnitsLine,
    adjust,
    arrive,
    freeze,
    opening,
    receive,
    return_goods,
    transfer,
    unfreeze,
)
from inventory.services.periods import close_period
from inventory.services.products import delete_product, move_skus, update_product
from inventory.services.revaluing import revalue_all
from inventory.services.sku_rows import ImportResult, LineError, import_skus
from inventory.services.snapshot import snapshot_days
from inventory.services.undoing import undo

__all__ = [
    "AdjustLine",
    "ImportResult",
    "Issue",
    "IssueLine",
    "Issued",
    "LateCost",
    "LineError",
    "Posted",
    "ReceiptLine",
    "ReturnLine",
    "UnitsLine",
    "adjust",
    "arrive",
    "close_period",
    "create_product",
    "create_sku",
    "create_warehouse",
    "delete_product",
    "discontinue_sku",
    "freeze",
    "import_skus",
    "issue_many",
    "late_cost",
    "move_skus",
    "opening",
    "receive",
    "resume_sku",
    "return_goods",
    "revalue_all",
    "snapshot_days",
    "transfer",
    "undo",
    "unfreeze",
    "update_product",
    "update_sku",
    "update_warehouse",
]
