"""What the bench of the servers makes of what it saw."""

import os
import time

from tools.bench_servers import Spent, costs, group_cpu_s


def test_costs_are_told_per_feedback_and_as_shares() -> None:
    before = Spent(at=10.0, services_s=1.0, broker_s=1.0, database_s=1.0, commands=100, commands_s=1.0)
    after = Spent(at=30.0, services_s=5.0, broker_s=2.0, database_s=16.0, commands=2100, commands_s=5.0)
    assert costs(before, after, {"accepted": 200, "per_s": 40.0}) == {
        "servers_ingest_per_s": 40.0,
        "servers_taken_to_ticket_per_s": 10.0,
        "servers_database_cpu_share": 0.75,
        "servers_database_cores": 0.75,
        "servers_services_cpu_ms_per_feedback": 20.0,
        "servers_store_commands_per_feedback": 10.0,
        "servers_store_ms_per_feedback": 20.0,
    }


def test_processor_time_is_that_of_the_whole_group() -> None:
    ends_at = time.process_time() + 0.05
    while time.process_time() < ends_at:
        pass
    assert group_cpu_s(os.getpgrp()) >= 0.05
    assert group_cpu_s(-1) == 0.0
