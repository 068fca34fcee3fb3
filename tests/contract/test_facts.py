"""Facts stay readable: one golden sample a kind, written by the release that made it and never edited."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from msgspec import structs

from hotline.facts import (
    SCHEMA,
    SEALED_FIELDS,
    STATES,
    AccountState,
    Attachment,
    CallAcknowledgement,
    Channel,
    ClassificationState,
    Erased,
    Fact,
    FactKind,
    FeedbackState,
    FollowUp,
    FollowUpKind,
    Outcome,
    Producer,
    PublicAnswer,
    State,
    TicketState,
    fact_id_of,
)
from hotline.places import Place
from hotline.plumbing.envelope import Envelope, close_fact, open_fact
from hotline.plumbing.failures import FactIsBad, FactUnreadable, KeyMissing
from hotline.plumbing.seal import Sealer
from hotline.promises import Promise
from hotline.taxonomy import PetitionKind

GOLDEN = Path(__file__).parent / "golden"
SECRETS = {"golden": "a secret only for golden samples, never a real one"}
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PROMISE = Promise(
    acknowledgement_due_at=datetime(2026, 11, 21, 2, 0, tzinfo=UTC),
    response_due_at=datetime(2026, 12, 1, 16, 59, 59, tzinfo=UTC),
    policy="ha-giang-1022",
    calendar="vn-2026",
    is_provisional=False,
    working_days=6,
)
PHOTO = Attachment(file_id="ab" * 32, media_type="image/jpeg", size_bytes=1000, name="ổ gà nhà bà Lan.jpg")
FEEDBACK = FeedbackState(
    channel=Channel.HOTLINE,
    text="Đường trước cổng trường có ổ gà",
    received_at=AT,
    promise=PROMISE,
    place=Place(
        province_code="08",
        province_name="Tuyên Quang",
        commune_code="00694",
        commune_name="Phường Hà Giang 1",
        detail="Tổ 4, cạnh nhà bà Lan",
    ),
    attachments=(PHOTO,),
    reachable_by=("page", "phone"),
    external_id="call-1",
    acknowledged_in_call=CallAcknowledgement(by="a1", at=AT, said="Đã nhận, phường trả lời trước 01/12"),
    follow_ups=(FollowUp(at=LATER, kind=FollowUpKind.RATED, text="Đã sửa, cảm ơn", by="citizen", rating=5),),
)
CLASSIFICATION = ClassificationState(
    scheme="HG-2023",
    scheme_version="1",
    code="6.3#giao_thong",
    second="3.2",
    petition_kind=PetitionKind.PHAN_ANH_KIEN_NGHI,
    restricted=False,
    urgent=False,
    language="vi",
    confidence=0.91,
    needs_review=False,
    model_version="m1",
    decided_by="model",
    decided_at=AT,
    scores=(("6.3#giao_thong", 0.91), ("6.4", 0.03)),
    reasons=("ổ gà",),
)
TICKET = TicketState(
    status="answered",
    restricted=False,
    acknowledgement_due_at=PROMISE.acknowledgement_due_at,
    response_due_at=PROMISE.response_due_at,
    field="Cung ứng dịch vụ công",
    code="6.3#giao_thong",
    agency_id="ubnd-xa-00694",
    agency_name="UBND phường Hà Giang 1",
    acknowledged_at=AT,
    answered_at=LATER,
    answer=PublicAnswer(
        text="Đã vá ổ gà ngày 22/11",
        number="12/UBND",
        signed_on=date(2026, 11, 23),
        signatory="Phó Chủ tịch Trần Văn A",
        agency_name="UBND phường Hà Giang 1",
        outcome=Outcome.SETTLED,
        files=(PHOTO,),
    ),
    question="Ổ gà ở số nhà nào?",
    reason="Không thuộc thẩm quyền",
)
SAMPLES: dict[FactKind, tuple[Producer, State]] = {
    FactKind.FEEDBACK_RECEIVED: (Producer.INGEST, FEEDBACK),
    FactKind.FEEDBACK_FOLLOWED_UP: (Producer.INGEST, FEEDBACK),
    FactKind.FEEDBACK_ERASED: (Producer.INGEST, Erased(erased_at=LATER)),
    FactKind.FEEDBACK_CLASSIFIED: (Producer.CLASSIFY, CLASSIFICATION),
    FactKind.TICKET_CHANGED: (Producer.RESPOND, TICKET),
    FactKind.ACCOUNT_CHANGED: (Producer.RESPOND, AccountState(account_id="a1", is_active=False, revoked_before=AT)),
}


def sample(kind: FactKind) -> Fact:
    producer, state = SAMPLES[kind]
    return Fact(
        fact_id=fact_id_of(producer, "f1", 0, 3),
        kind=kind,
        feedback_id="f1",
        producer=producer,
        epoch=0,
        seq=3,
        at=LATER,
        cause="sample",
        state=state,
    )


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(SECRETS)


@pytest.mark.parametrize("kind", FactKind)
def test_the_golden_sample_still_says_the_same(kind: FactKind, sealer: Sealer) -> None:
    stored = (GOLDEN / f"{kind}.{SCHEMA}.json").read_bytes()
    assert open_fact(msgspec.json.decode(stored, type=Envelope), sealer) == sample(kind)


@pytest.mark.parametrize("kind", FactKind)
def test_a_fact_survives_the_envelope(kind: FactKind, sealer: Sealer) -> None:
    assert open_fact(close_fact(sample(kind), sealer), sealer) == sample(kind)


@pytest.mark.parametrize("kind", FactKind)
def test_nothing_that_quotes_people_lies_open(kind: FactKind, sealer: Sealer) -> None:
    envelope = close_fact(sample(kind), sealer)
    clear = msgspec.json.decode(envelope.state)
    assert not set(clear) & set(SEALED_FIELDS[STATES[kind]])
    for words in ("ổ gà", "Lan", "Trần Văn A", "call-1"):
        assert words not in envelope.state.decode()


def test_every_text_field_of_a_state_is_sealed_or_known_to_be_harmless() -> None:
    harmless = {
        "scheme", "scheme_version", "model_version", "decided_at", "account_id", "channel", "reachable_by", "promise",
        "received_at", "acknowledgement_due_at", "response_due_at", "is_active", "revoked_before", "erased_at",
    }  # fmt: skip
    for state, sealed in SEALED_FIELDS.items():
        assert set(get_type_hints(state)) - set(sealed) <= harmless, state


@pytest.mark.parametrize(
    ("kind", "hidden"),
    [
        (
            FactKind.FEEDBACK_CLASSIFIED,
            replace(
                CLASSIFICATION,
                code="4.1",
                second=None,
                petition_kind=PetitionKind.TO_CAO,
                restricted=True,
                needs_review=True,
                review_reasons=("restricted",),
                reasons=(),
            ),
        ),
        (
            FactKind.TICKET_CHANGED,
            TicketState(
                status="in_progress",
                restricted=True,
                acknowledgement_due_at=PROMISE.acknowledgement_due_at,
                response_due_at=PROMISE.response_due_at,
            ),
        ),
    ],
)
def test_the_open_part_is_the_same_of_a_denunciation_and_of_any_matter(
    kind: FactKind, hidden: State, sealer: Sealer
) -> None:
    ordinary = sample(kind)
    assert close_fact(structs.replace(ordinary, state=hidden), sealer).state == close_fact(ordinary, sealer).state


def test_a_fact_of_a_newer_schema_pauses(sealer: Sealer) -> None:
    with pytest.raises(FactUnreadable, match="newer"):
        open_fact(structs.replace(close_fact(sample(FactKind.FEEDBACK_RECEIVED), sealer), schema=SCHEMA + 1), sealer)


def test_an_unknown_kind_or_value_pauses_without_quoting_it(sealer: Sealer) -> None:
    envelope = close_fact(sample(FactKind.TICKET_CHANGED), sealer)
    for changed in (
        structs.replace(envelope, kind="ticket.sung"),
        structs.replace(envelope, state=b'{"status":"Lan","restricted":3}'),
    ):
        with pytest.raises(FactUnreadable) as paused:
            open_fact(changed, sealer)
        assert "Lan" not in str(paused.value)


def test_sealed_words_cannot_be_moved_to_another_fact(sealer: Sealer) -> None:
    envelope = structs.replace(close_fact(sample(FactKind.FEEDBACK_RECEIVED), sealer), fact_id="ingest:f2:0.1")
    with pytest.raises(FactIsBad):
        open_fact(envelope, sealer)


def test_a_missing_key_pauses_and_an_old_key_still_opens(sealer: Sealer) -> None:
    envelope = close_fact(sample(FactKind.FEEDBACK_RECEIVED), sealer)
    with pytest.raises(KeyMissing, match="golden"):
        open_fact(envelope, Sealer({"other": "another secret only for tests"}))
    rotated = Sealer({"new": "a new secret only for tests"} | SECRETS)
    assert open_fact(envelope, rotated) == sample(FactKind.FEEDBACK_RECEIVED)
    assert rotated.writing_key_id == "new"
