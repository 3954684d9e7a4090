"""What every `DirectoryStore` must do."""

from dataclasses import replace

import pytest

from postroad.base.errors import AlreadyExists, InUse, NotFound
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment
from postroad.model.directory import (
    Alias,
    Credential,
    CredentialKind,
    DkimKey,
    DomainStatus,
    KeyPermission,
    Role,
)
from postroad.model.ids import AccountId, TenantId
from postroad.model.mailbox import SpecialUse
from postroad.model.principal import Program
from postroad.model.quota import QuotaLimits
from postroad.stores.directory import NewAccount
from stores.making import (
    DOMAIN,
    NOW,
    Stores,
    arrival,
    blob,
    delivery,
    email,
    submission,
)

LATER = Moment(NOW + 1000)


def new_account(tenant: TenantId, address: str) -> NewAccount:
    return NewAccount(tenant, address, "Name", Role.ADMIN, 1000, [("INBOX", None)])


class TenantsContract:
    async def test_a_tenant_has_a_sending_account(self, stores: Stores) -> None:
        tenant = await stores.directory.create_tenant("house", NOW)
        account = await stores.directory.load_account(tenant.sending_account)
        assert (account.is_person, account.tenant_id) == (False, tenant.tenant_id)
        assert await stores.directory.accounts() == ()
        assert await stores.directory.create_tenant("house", LATER) == tenant
        other = await stores.directory.create_tenant("other", NOW)
        assert await stores.directory.tenants() == (tenant, other)
        assert await stores.directory.find_tenant(other.tenant_id) == other
        assert await stores.directory.find_tenant(TenantId(999)) is None
        sent = submission()
        assert await stores.queue.submit(tenant.sending_account, [sent], [])

    async def test_domains(self, stores: Stores) -> None:
        house = await stores.directory.create_tenant("house", NOW)
        other = await stores.directory.create_tenant("other", NOW)
        keys = [
            DkimKey("b.test", selector, "ed25519-sha256", b"\x00sealed", "v=DKIM1", NOW)
            for selector in ("s2", "s1")
        ]
        create = stores.directory.create_domain
        b = await create(house.tenant_id, new_uuid(), "b.test", keys, NOW)
        a = await create(other.tenant_id, new_uuid(), "a.test", (), NOW)
        assert (b.status, b.catch_all) == (DomainStatus.NOT_STARTED, None)
        for tenant in (house, other):
            with pytest.raises(AlreadyExists):
                await create(tenant.tenant_id, new_uuid(), "b.test", (), NOW)
        with pytest.raises(NotFound):
            await create(TenantId(999), new_uuid(), "c.test", (), NOW)
        assert await stores.directory.domains() == (a, b)
        assert await stores.directory.domains(house.tenant_id) == (b,)
        assert await stores.directory.find_domain("c.test") is None
        assert await stores.directory.dkim_keys("b.test") == (keys[1], keys[0])
        assert await stores.directory.dkim_keys("a.test") == ()
        found = await stores.directory.find_signing_domain("b.test")
        assert found == (await stores.directory.find_domain("b.test"), (keys[1], keys[0]))
        assert await stores.directory.find_signing_domain("c.test") is None

    async def test_a_claim_gives_way_unless_it_was_verified(self, stores: Stores) -> None:
        squatter, owner = await stores.tenant(), await stores.tenant("other", "other.test")
        directory = stores.directory
        keys = [DkimKey("b.test", "s", "ed25519-sha256", b"sealed", "v=DKIM1", NOW)]
        claim = await directory.create_domain(squatter, new_uuid(), "b.test", keys, NOW)
        await directory.set_domain_status(squatter, claim.domain_id, DomainStatus.FAILED)
        create, another = directory.create_domain, new_uuid()
        with pytest.raises(AlreadyExists):
            await create(owner, new_uuid(), "b.test", (), NOW, another)
        account = await directory.create_account(new_account(squatter, "me@b.test"), NOW)
        with pytest.raises(InUse):
            await create(owner, new_uuid(), "b.test", (), NOW, claim.domain_id)
        assert await directory.find_signing_domain("b.test") is not None
        await directory.delete_account(account.account_id)
        made = await create(owner, new_uuid(), "b.test", (), NOW, claim.domain_id)
        assert await directory.find_signing_domain("b.test") == (made, ())
        assert not made.was_verified
        for status in (DomainStatus.VERIFIED, DomainStatus.FAILED):
            await directory.set_domain_status(owner, made.domain_id, status)
            now = await directory.find_domain("b.test")
            assert now is not None
            assert (now.status, now.was_verified) == (status, True)
            assert (await directory.find_recipient("me", "b.test")).domain == now
            with pytest.raises(AlreadyExists):
                await create(squatter, new_uuid(), "b.test", (), NOW, made.domain_id)

    async def test_only_its_tenant_changes_a_domain(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        other = await stores.tenant("other", "other.test")
        domain = await stores.directory.find_domain(DOMAIN)
        assert domain is not None
        directory, mine = stores.directory, domain.domain_id
        with pytest.raises(NotFound):
            await directory.set_domain_status(other, mine, DomainStatus.FAILED)
        with pytest.raises(NotFound):
            await directory.set_catch_all(other, mine, "x@other.test")
        with pytest.raises(NotFound):
            await directory.delete_domain(other, mine)
        await directory.set_domain_status(tenant, mine, DomainStatus.VERIFIED)
        await directory.set_catch_all(tenant, mine, f"all@{DOMAIN}")
        changed = await directory.find_domain(DOMAIN)
        assert changed is not None
        assert (changed.status, changed.catch_all) == (DomainStatus.VERIFIED, f"all@{DOMAIN}")

    async def test_a_domain_in_use_stays(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        await stores.tenant("house", "a_b.test")
        await stores.tenant("house", "axb.test")
        directory = stores.directory
        alias = Alias("info@axb.test", tenant, ("bob@remote.test",))
        await directory.create_alias(alias, NOW)
        for name in ("axb.test", "a_b.test"):
            domain = await directory.find_domain(name)
            assert domain is not None
            if name == "axb.test":
                with pytest.raises(InUse):
                    await directory.delete_domain(tenant, domain.domain_id)
                await directory.delete_alias(tenant, alias.address)
                account = await directory.create_account(new_account(tenant, "me@axb.test"), NOW)
                with pytest.raises(InUse):
                    await directory.delete_domain(tenant, domain.domain_id)
            else:
                await directory.delete_domain(tenant, domain.domain_id)
                assert await directory.find_domain(name) is None
        await directory.delete_account(account.account_id)
        domain = await directory.find_domain("axb.test")
        assert domain is not None
        await directory.delete_domain(tenant, domain.domain_id)
        await directory.create_domain(tenant, new_uuid(), "axb.test", (), NOW)

    async def test_settings(self, stores: Stores) -> None:
        assert await stores.directory.setting("fingerprint") is None
        for value in ("one", "two"):
            await stores.directory.set_setting("fingerprint", value)
            assert await stores.directory.setting("fingerprint") == value


class AccountsContract:
    async def test_an_account_is_found_by_address_and_id(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        new = NewAccount(
            tenant,
            f"zoe@{DOMAIN}",
            "Zoë",
            Role.OWNER,
            5000,
            [("INBOX", None), ("Trash", SpecialUse.TRASH)],
        )
        zoe = await stores.directory.create_account(new, NOW)
        assert (zoe.address, zoe.display_name, zoe.role) == (f"zoe@{DOMAIN}", "Zoë", Role.OWNER)
        assert (zoe.quota_octets, zoe.is_person, zoe.disabled) == (5000, True, False)
        assert await stores.directory.find_account(f"zoe@{DOMAIN}") == zoe
        assert await stores.directory.load_account(zoe.account_id) == zoe
        assert await stores.directory.find_account(f"nobody@{DOMAIN}") is None
        with pytest.raises(NotFound):
            await stores.directory.load_account(AccountId(999))
        amy = await stores.person("amy")
        assert await stores.directory.accounts() == (amy, zoe)
        assert await stores.directory.accounts(tenant) == (amy, zoe)
        assert await stores.directory.accounts(TenantId(999)) == ()
        assert await stores.room(zoe.account_id) == (0, 5000)

    async def test_addresses_are_taken_once(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        await stores.person("alice")
        alias = Alias(f"info@{DOMAIN}", tenant, (f"alice@{DOMAIN}",))
        await stores.directory.create_alias(alias, NOW)
        for name in ("alice", "info"):
            with pytest.raises(AlreadyExists):
                await stores.directory.create_account(new_account(tenant, f"{name}@{DOMAIN}"), NOW)
            with pytest.raises(AlreadyExists):
                await stores.directory.create_alias(
                    Alias(f"{name}@{DOMAIN}", tenant, ("x@remote.test",)), NOW
                )
        assert len(await stores.directory.accounts()) == 1
        assert await stores.directory.aliases() == (alias,)

    async def test_an_address_needs_a_domain_of_its_tenant(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        other = await stores.tenant("other", "other.test")
        for owner, address in ((tenant, "x@nowhere.test"), (other, f"x@{DOMAIN}")):
            with pytest.raises(NotFound):
                await stores.directory.create_account(new_account(owner, address), NOW)
            with pytest.raises(NotFound):
                await stores.directory.create_alias(Alias(address, owner, ("y@z.test",)), NOW)
        assert await stores.directory.accounts() == ()

    async def test_aliases_of_a_tenant(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        other = await stores.tenant("other", "other.test")
        mine = Alias(f"b@{DOMAIN}", tenant, ("x@remote.test", f"alice@{DOMAIN}"))
        theirs = Alias("a@other.test", other, ("y@remote.test",))
        for alias in (mine, theirs):
            await stores.directory.create_alias(alias, NOW)
        assert await stores.directory.aliases() == (theirs, mine)
        assert await stores.directory.aliases(tenant) == (mine,)
        with pytest.raises(NotFound):
            await stores.directory.delete_alias(tenant, theirs.address)
        await stores.directory.delete_alias(tenant, mine.address)
        assert await stores.directory.aliases() == (theirs,)

    async def test_a_recipient_is_looked_up(self, stores: Stores) -> None:
        """Exactly, then without ``+detail`` (RFC 5233), then the catch-all."""
        tenant = await stores.tenant()
        alice = await stores.person("alice")
        plus = await stores.person("alice+exact")
        alias = Alias(f"info@{DOMAIN}", tenant, ("x@remote.test",))
        await stores.directory.create_alias(alias, NOW)
        inbox = await stores.mailbox(alice.account_id)
        await stores.fill(alice.account_id, inbox.mailbox_id, 2)
        find = stores.directory.find_recipient
        for local_part in ("alice", "alice+lists", "alice+a+b"):
            found = await find(local_part, DOMAIN)
            assert (found.account, found.alias, found.used_octets) == (alice, None, 200)
            assert found.domain == await stores.directory.find_domain(DOMAIN)
        assert (await find("alice+exact", DOMAIN)).account == plus
        for local_part in ("info", "info+x"):
            assert (await find(local_part, DOMAIN)).alias == alias
        for local_part in ("nobody", "+detail", "", "alic_", "%"):
            found = await find(local_part, DOMAIN)
            assert (found.account, found.alias) == (None, None)
            assert found.domain is not None
        assert (await find("alice", "other.test")).domain is None

    async def test_a_catch_all_gets_the_rest(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        alice = await stores.person("alice")
        domain = await stores.directory.find_domain(DOMAIN)
        assert domain is not None
        alias = Alias(f"info@{DOMAIN}", tenant, ("x@remote.test",))
        await stores.directory.create_alias(alias, NOW)
        find, set_it = stores.directory.find_recipient, stores.directory.set_catch_all
        await set_it(tenant, domain.domain_id, alice.address)
        assert (await find("whoever", DOMAIN)).account == alice
        assert (await find("info", DOMAIN)).alias == alias
        await set_it(tenant, domain.domain_id, alias.address)
        assert (await find("whoever+x", DOMAIN)).alias == alias
        await set_it(tenant, domain.domain_id, f"gone@{DOMAIN}")
        assert (await find("whoever", DOMAIN)).account is None
        await set_it(tenant, domain.domain_id, None)
        assert (await find("whoever", DOMAIN)).alias is None

    async def test_disabling_voids_what_was_verified(self, stores: Stores) -> None:
        alice = await stores.person("alice")
        await stores.directory.set_disabled(alice.account_id, disabled=True)
        changed = await stores.directory.load_account(alice.account_id)
        assert changed.disabled
        assert changed.auth_version > alice.auth_version
        assert (await stores.directory.find_recipient("alice", DOMAIN)).account == changed
        await stores.directory.set_disabled(alice.account_id, disabled=False)
        assert not (await stores.directory.load_account(alice.account_id)).disabled
        with pytest.raises(NotFound):
            await stores.directory.set_disabled(AccountId(999), disabled=True)

    async def test_quota_can_be_changed(self, stores: Stores) -> None:
        account = await stores.account(quota=10)
        for quota in (20, None, 0):
            await stores.directory.set_account_quota(account, QuotaLimits(quota))
            assert (await stores.directory.load_account(account)).quota_octets == quota
            assert await stores.room(account) == (0, quota)
        with pytest.raises(NotFound):
            await stores.directory.set_account_quota(AccountId(999), QuotaLimits(1))

    async def test_a_deleted_account_leaves_nothing(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        tenant, directory = alice.tenant_id, stores.directory
        only = Alias(f"only@{DOMAIN}", tenant, (alice.address,))
        both = Alias(f"both@{DOMAIN}", tenant, (alice.address, bob.address))
        for alias in (only, both):
            await directory.create_alias(alias, NOW)
        await directory.set_password(alice.account_id, "verifier", NOW)
        shared, own = blob(), blob()
        inbox = await stores.mailbox(alice.account_id)
        await stores.mail.append(
            alice.account_id, inbox.mailbox_id, [arrival(email(blob_id=own))] * 3
        )
        for person in (alice, bob):
            await stores.mail.deliver([delivery(person.account_id, email(blob_id=shared))])
        sent = submission(blob_id=own)
        await stores.queue.submit(alice.account_id, [sent], [])
        await directory.delete_account(alice.account_id)
        assert await directory.find_account(alice.address) is None
        assert await directory.aliases() == (both,)
        assert await stores.mail.mailboxes(alice.account_id) == ()
        assert await directory.credentials(alice.account_id) == ()
        assert await stores.queue.locate(sent.submission_id) is None
        assert await stores.queue.next_due_at() is None
        assert await stores.references.garbage(10) == [own]
        assert await stores.references.unreferenced([own, shared]) == [own]
        assert await stores.references.check() == []
        again = await stores.person("alice")
        assert again.account_id not in (alice.account_id, bob.account_id)
        with pytest.raises(NotFound):
            await directory.delete_account(alice.account_id)


class CredentialsContract:
    async def test_a_password_is_replaced(self, stores: Stores) -> None:
        alice = await stores.person("alice")
        versions = [alice.auth_version]
        for verifier in ("one", "two"):
            await stores.directory.set_password(alice.account_id, verifier, LATER)
            found = await stores.directory.credentials_of(alice.address)
            assert found is not None
            versions.append(found[0].auth_version)
            (credential,) = found[1]
            assert (credential.kind, credential.verifier) == (CredentialKind.PASSWORD, verifier)
            assert credential.scopes == frozenset()
            assert credential.created_at == LATER
        assert versions == sorted(set(versions))
        assert await stores.directory.credentials_of(f"nobody@{DOMAIN}") is None
        with pytest.raises(NotFound):
            await stores.directory.set_password(AccountId(999), "x", NOW)

    async def test_keys_of_scram_belong_to_one_password(self, stores: Stores) -> None:
        alice = await stores.person("alice")
        directory, account = stores.directory, alice.account_id

        async def kept() -> list[bytes | None]:
            return [one.scram for one in await directory.credentials(account)]

        await directory.set_password(account, "one", NOW, b"keys of one")
        assert await kept() == [b"keys of one"]
        await directory.set_password(account, "two", NOW)
        assert await kept() == [None]
        (two,) = await directory.credentials(account)
        before = (await directory.load_account(account)).auth_version
        await directory.keep_scram(two, b"keys of two")
        assert await kept() == [b"keys of two"]
        assert (await directory.load_account(account)).auth_version == before
        await directory.set_password(account, "three", NOW)
        await directory.keep_scram(two, b"keys of two")  # too late
        assert await kept() == [None]
        await directory.revoke_credential(account, two.credential_id)
        await directory.keep_scram(two, b"keys of two")
        assert await kept() == []
        phone = Credential(
            "p", account, CredentialKind.APP_PASSWORD, "", "x", frozenset(), NOW, b"\0\xff"
        )
        await directory.create_app_password(phone)
        assert await directory.credentials(account) == (phone,)

    async def test_app_passwords(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        directory = stores.directory
        made = [
            Credential(
                new_uuid(),
                alice.account_id,
                CredentialKind.APP_PASSWORD,
                f"phone {n}",
                "keyed hash",
                scopes,
                Moment(NOW + n),
            )
            for n, scopes in enumerate([frozenset[str](), frozenset({"imap", "smtp"})])
        ]
        for credential in made:
            await directory.create_app_password(credential)
        assert await directory.credentials(alice.account_id) == tuple(made)
        assert await directory.credentials(bob.account_id) == ()
        with pytest.raises(NotFound):
            await directory.revoke_credential(bob.account_id, made[0].credential_id)
        before = (await directory.load_account(alice.account_id)).auth_version
        await directory.revoke_credential(alice.account_id, made[0].credential_id)
        assert await directory.credentials(alice.account_id) == (made[1],)
        assert (await directory.load_account(alice.account_id)).auth_version > before
        with pytest.raises(NotFound):
            await directory.revoke_credential(alice.account_id, made[0].credential_id)

    async def test_api_keys(self, stores: Stores) -> None:
        tenant = await stores.tenant()
        other = await stores.tenant("other", "other.test")
        directory, ids = stores.directory, sorted(new_uuid() for _ in range(2))
        full = await directory.create_api_key(
            tenant, ids[0], "full", b"\x00hash", KeyPermission.FULL, None, NOW
        )
        sending = await directory.create_api_key(
            tenant, ids[1], "sending", b"\xffhash", KeyPermission.SENDING, "domain", LATER
        )
        assert (full.key_id, full.name, full.last_used_at) == (ids[0], "full", None)
        assert (sending.permission, sending.domain_id) == (KeyPermission.SENDING, "domain")
        assert await directory.api_keys(tenant) == (sending, full)
        assert await directory.api_keys(other) == ()
        account = next(one for one in await directory.tenants() if one.tenant_id == tenant)
        program = Program(sending, tenant, account.sending_account)
        assert await directory.find_program(b"\xffhash") == program
        assert await directory.find_program(b"hash") is None
        await directory.touch_api_key(other, full.key_id, LATER)
        assert await directory.find_program(b"\x00hash") == replace(program, key=full)
        await directory.touch_api_key(tenant, full.key_id, LATER)
        touched = await directory.find_program(b"\x00hash")
        assert touched is not None
        assert touched.key.last_used_at == LATER
        with pytest.raises(NotFound):
            await directory.delete_api_key(other, full.key_id)
        await directory.delete_api_key(tenant, full.key_id)
        assert await directory.find_program(b"\x00hash") is None
        with pytest.raises(NotFound):
            await directory.delete_api_key(tenant, full.key_id)
