from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models.functions import Now

from inventory.finding import of_product


def fill_grams(apps, schema_editor):
    """Products that were there before are found too; a thousand at a time."""
    product = apps.get_model("inventory", "Product")
    last = 0
    while some := list(product.objects.filter(pk__gt=last).order_by("pk")[:1000]):
        for one in some:
            one.grams = of_product(one)
        product.objects.bulk_update(some, ["grams"])
        last = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_bring_in_and_finding"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="grams",
            field=ArrayField(base_field=models.IntegerField(), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name="product",
            name="updated_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.RunPython(fill_grams, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="product",
            index=GinIndex(fields=["grams"], name="product_grams"),
        ),
    ]
