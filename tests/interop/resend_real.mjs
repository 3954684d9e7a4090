// Sends real mail with the official Node SDK of Resend; prints what came back as JSON.
import { createRequire } from "node:module";

const [folder, baseUrl, key, from, to, word] = process.argv.slice(2);
const { Resend } = createRequire(`${folder}/`)("resend");
const resend = new Resend(key, { baseUrl });
const email = (kind) => ({ from, to, subject: `${word}-${kind}`, text: "It works" });
const results = {};

const first = {
  ...email("sent"),
  attachments: [{ filename: "a.txt", content: Buffer.from("hello") }],
};
results.sent = await resend.emails.send(first, { idempotencyKey: word });
results.repeated = await resend.emails.send(first, { idempotencyKey: word });
for (let tries = 0; tries < 100; tries++) {
  results.shown = await resend.emails.get(results.sent.data.id);
  if (results.shown.data?.last_event === "delivered") break;
  await new Promise((done) => setTimeout(done, 100));
}
results.batch = await resend.batch.send([email("batch0"), email("batch1")]);
const later = new Date(Date.now() + 3600_000).toISOString();
results.scheduled = await resend.emails.send({ ...email("later"), scheduledAt: later });
results.canceled = await resend.emails.cancel(results.scheduled.data.id);
results.canceledShown = await resend.emails.get(results.scheduled.data.id);
results.listed = await resend.emails.list({ limit: 5 });
results.domain = await resend.domains.create({ name: `${word}.example.test` });
results.verified = await resend.domains.verify(results.domain.data.id);
results.removed = await resend.domains.remove(results.domain.data.id);
results.key = await resend.apiKeys.create({ name: word });
results.keyRemoved = await resend.apiKeys.remove(results.key.data.id);
results.refused = await resend.emails.send({ ...email("no"), from: "eve@elsewhere.test" });
console.log(JSON.stringify(results));
