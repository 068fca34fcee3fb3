"""Carries out `hotline topics`. Called by `services/cli.py` alone."""

import click

from hotline.config import Settings
from hotline.plumbing.bus_kafka_client import KafkaOptions
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_broker_settings, load_topics


async def make_and_compare(settings: Settings, replication: int | None) -> None:
    """Make what is missing and say each difference; raises ClickException when there is one."""
    topics = load_topics(replication)
    report = await ensure_topics(settings.bus_url, KafkaOptions.of(settings), topics, load_broker_settings())
    for name in report.made:
        click.echo(f"{name}: made")
    for line in report.differences:
        click.echo(line)
    if report.differences:
        raise click.ClickException(
            f"{len(report.differences)} settings differ; nothing that exists was changed: see *Kafka* in operations.md"
        )
    click.echo("topics and brokers are set as they should be")
