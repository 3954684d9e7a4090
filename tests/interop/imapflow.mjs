// One day of imapflow: `node imapflow.mjs FOLDER PORT USER PASSWORD yes|no`. Results as JSON.
import { createRequire } from "node:module";
const [folder, port, user, pass, compresses] = process.argv.slice(2);
const { ImapFlow } = createRequire(`${folder}/`)("imapflow");

async function connected(more) {
  const client = new ImapFlow({
    host: "127.0.0.1", port: Number(port), secure: false, doSTARTTLS: false, logger: false,
    disableCompression: compresses === "no",
    auth: { user, pass }, clientInfo: { name: "test", vendor: "Postroad" }, ...more,
  });
  client.on("error", (error) => { throw error; });
  await client.connect();
  return client;
}

const message = (subject) => Buffer.from(
  `From: a@b.test\r\nTo: c@d.test\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\n` +
  `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n` +
  `Text of ${subject}\r\n--b\r\nContent-Type: text/plain; name=n.txt\r\n` +
  `Content-Disposition: attachment; filename=n.txt\r\n` +
  `Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n`);

async function all(iterator) {
  const found = [];
  for await (const one of iterator) found.push(one);
  return found;
}

async function text(stream) {
  return Buffer.concat(await all(stream)).toString();
}

const out = {};
const mailbox = `Gr\u00fc\u00dfe & more`;
const client = await connected({ qresync: true, disableAutoIdle: true });
out.enabled = [...client.enabled];
out.created = (await client.mailboxCreate(mailbox)).path;
for (const subject of ["one", "two", "three", "four"]) {
  out.appended = await client.append(mailbox, message(subject), ["\\Seen"]);
}
out.listed = (await client.list({ statusQuery: { messages: true, unseen: true } }))
  .map(({ path, specialUse, status }) => ({ path, specialUse, messages: status?.messages }));
out.status = await client.status(mailbox, { messages: true, uidNext: true, highestModseq: true });
const lock = await client.getMailboxLock(mailbox);
out.fetched = (await client.fetchAll("1:*", {
  uid: true, flags: true, envelope: true, bodyStructure: true, size: true, threadId: true,
  internalDate: true, headers: ["subject"],
})).map((one) => ({
  uid: one.uid, subject: one.envelope.subject, parts: one.bodyStructure.childNodes.length,
  flags: [...one.flags], emailId: one.emailId, header: one.headers.toString(),
}));
const download = await client.download("1", "2");
out.attachment = { name: download.meta.filename, text: await text(download.content) };
await client.messageFlagsAdd("1:2", ["\\Flagged", "$Work"], { uid: true });
out.searched = await client.search({ flagged: true, or: [{ subject: "two" }, { body: "of one" }] });
out.moved = [...(await client.messageMove("2", "Archive", { uid: true })).uidMap];
out.copied = [...(await client.messageCopy("1", "Archive", { uid: true })).uidMap];
const { uidValidity, highestModseq } = client.mailbox;
lock.release();
await client.mailboxClose();

// Another one changes things; what is new is told with QRESYNC.
const other = await connected({ disableAutoIdle: true });
await other.mailboxOpen(mailbox);
await other.messageDelete("3", { uid: true });
await other.messageFlagsAdd("4", ["\\Answered"], { uid: true });
const vanished = [];
client.on("expunge", (event) => vanished.push(event));
await client.mailboxOpen(mailbox, { uidValidity, changedSince: highestModseq });
out.changed = (await client.fetchAll("1:*", { uid: true, flags: true },
  { changedSince: highestModseq })).map((one) => ({ uid: one.uid, flags: [...one.flags] }));
out.vanished = vanished.map((event) => event.uid);

// IDLE hears of a new message.
const exists = new Promise((resolve) => client.once("exists", resolve));
const idle = client.idle();
await new Promise((resolve) => setTimeout(resolve, 300));
await other.append(mailbox, message("five"));
const told = await exists;
out.idle = [told.prevCount, told.count];
await client.noop();
await idle;
out.quota = await client.getQuota("INBOX");
out.renamed = (await client.mailboxRename(mailbox, `${mailbox}!`)).newPath;
await other.logout();
await client.mailboxClose();
out.deleted = (await client.mailboxDelete(`${mailbox}!`)).path;
out.capabilities = [...client.capabilities.keys()];
await client.logout();
console.log(JSON.stringify(out, (_, value) => typeof value === "bigint" ? String(value) : value));
