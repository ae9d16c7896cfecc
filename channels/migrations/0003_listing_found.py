from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

from channels.finding import grams_of


def fill_grams(apps, schema_editor):
    """Listings that were there before are found too; a thousand at a time."""
    listing = apps.get_model("channels", "Listing")
    last = 0
    while some := list(listing.objects.filter(pk__gt=last).order_by("pk")[:1000]):
        for one in some:
            one.grams = grams_of(one.seller_sku, one.external_id, one.title)
        listing.objects.bulk_update(some, ["grams"])
        last = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0002_account_page"),
    ]

    operations = [
        migrations.AddField(
            model_name="listing",
            name="grams",
            field=ArrayField(base_field=models.IntegerField(), db_default=[], default=list, size=None),
        ),
        migrations.RunPython(fill_grams, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(fields=["seller_sku"], name="listing_start", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=GinIndex(fields=["grams"], name="listing_grams"),
        ),
    ]
