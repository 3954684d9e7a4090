"""The store of annotations, as operations on an engine."""

from collections.abc import Mapping, Sequence

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.mail import annotating
from postroad.model.ids import AccountId, MailboxId, ModSeq
from postroad.model.metadata import AnnotationLimits, Subject
from postroad.stores.metadata import Marks, MetadataStore


class SqlMetadataStore(MetadataStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def annotations(self, subject: Subject) -> Mapping[str, bytes]:
        return await self._engine.look_up(lambda: annotating.annotations(subject))

    async def annotate(
        self, subject: Subject, values: Mapping[str, bytes | None], limits: AnnotationLimits
    ) -> Marks:
        return await self._engine.write(lambda: annotating.annotate(subject, values, limits))

    async def marks(self, owners: Sequence[AccountId]) -> Marks:
        return await self._engine.look_up(lambda: annotating.marks(owners))

    async def annotated(
        self, owner: AccountId, viewer: AccountId, since: ModSeq
    ) -> Sequence[tuple[ModSeq, MailboxId | None, str]]:
        return await self._engine.look_up(lambda: annotating.annotated(owner, viewer, since))
