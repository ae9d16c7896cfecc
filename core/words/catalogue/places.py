"""Stock: SKUs, warehouses, the ledger, costs, import sheets."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "sku.not_found": _("This SKU does not exist. Pick one from the list."),
    "sku.unknown": _("There is no SKU {sku}."),
    "sku.discontinued": _("This SKU is no longer sold; its successor is {successor}. Pick that one."),
    "sku.created": _("SKU created: {sku}"),
    "sku.changed": _("SKU changed: {fields:list}"),
    "sku.code_taken": _("The code {name} is taken by another SKU. Choose another code."),
    "sku.code_missing": _("The row has no SKU code. Fill in the column."),
    "sku.bad_field": _("{field} is no field of a SKU. Correct the heading."),
    "sku.bad_successor": _("A SKU cannot be its own successor, nor follow one that follows it. Pick another one."),
    "product.created": _("Product created: {name}"),
    "product.code_taken": _("The code {name} is taken by another product. Choose another code."),
    "warehouse.created": _("Warehouse created: {name}"),
    "warehouse.changed": _("Warehouse changed: {fields:list}"),
    "warehouse.code_taken": _("The code {name} is taken by another warehouse. Choose another code."),
    "warehouse.bad_field": _("{field} cannot be changed like this."),
    "warehouse.not_found": _("This warehouse does not exist, or you do not work in it."),
    "warehouse.unknown": _("There is no warehouse {warehouse}."),
    "warehouse.pool_fixed": _("The costing pool of {warehouse} is fixed once stock has moved there."),
    "cost.negative": _("A cost cannot be below zero: {amount}."),
    "cost.not_incoming": _("Costs belong to receipts; this movement is not one."),
    "cost.rate_missing": _("There is no rate from {currency} to {base}. Enter the rate of that day first."),
    "cost.unknown_currency": _("{currency} is no currency we know. Write its three letters, for example CNY."),
    "ledger.bad_key": _("The key of this posting is not valid: {key}."),
    "ledger.bad_quantity": _("{quantity} is no quantity; write a whole number above zero."),
    "ledger.future": _("{time} lies in the future. Post it when it has happened."),
    "ledger.key_reused": _(
        "This was posted before under the same key with other figures. Nothing was changed; look at the first posting."
    ),
    "ledger.key_twice": _("One posting names the same key twice ({key})."),
    "ledger.naive_time": _("The time {time} has no zone."),
    "ledger.not_there": _(
        "There are only {found:number} at {place}; {wanted:number} were to be moved. Count the place, or adjust "
        "it first."
    ),
    "ledger.nothing": _("There is nothing to post ({key})."),
    "ledger.reason_missing": _("An adjustment needs a reason. Write why the stock differs."),
    "ledger.reserved": _("Only {free:number} are free; {wanted:number} were asked for. Orders have reserved the rest."),
    "ledger.return_too_many": _("{over:number} more were to come back than went out."),
    "ledger.return_unknown": _("The movement that should come back does not exist for this SKU."),
    "ledger.unknown_location": _("There is no place {location}."),
    "ledger.unknown_warehouse": _("There is no warehouse {warehouse}."),
    "period.not_over": _("{period} is not over yet. Close it when the month has ended."),
    "sheet.too_long": _("At most {limit} characters."),
    "sheet.not_a_number": _("“{value}” is no number."),
    "sheet.not_whole": _("“{value}” is no whole number of at least {least}."),
    "sheet.not_an_amount": _("“{value}” is no amount."),
    "sheet.not_a_country": _("“{value}” is no country. Write two letters, for example CN."),
    "sheet.not_yes_or_no": _("“{value}” is neither yes nor no."),
}
