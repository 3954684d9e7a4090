// Calls our REST API with the official Node SDK of Resend; prints what came back as JSON.
// The address and the keys come as arguments, the SDK from the folder it was installed into.
import { createRequire } from "node:module";

const [folder, baseUrl, fullKey, sendingKey] = process.argv.slice(2);
const { Resend } = createRequire(`${folder}/`)("resend");
const resend = new Resend(fullKey, { baseUrl });
const email = {
  from: "Acme <onboarding@example.com>",
  to: ["delivered@example.net"],
  subject: "Hello",
  html: "<p>It works</p>",
};
const results = {};

results.sent = await resend.emails.send(
  {
    ...email,
    replyTo: "r@example.com",
    attachments: [{ filename: "a.txt", content: Buffer.from("hello") }],
  },
  { idempotencyKey: "key-1" },
);
results.shown = await resend.emails.get(results.sent.data.id);
results.listed = await resend.emails.list({ limit: 1 });
results.batch = await resend.batch.send([email, email]);
results.mixed = await resend.batch.send([email, { ...email, to: "nobody" }], {
  batchValidation: "permissive",
});
results.scheduled = await resend.emails.send({ ...email, scheduledAt: "2026-01-10T00:00:00Z" });
results.canceled = await resend.emails.cancel(results.scheduled.data.id);
results.domain = await resend.domains.create({ name: "example.com" });
results.domainShown = await resend.domains.get(results.domain.data.id);
results.verified = await resend.domains.verify(results.domain.data.id);
results.domains = await resend.domains.list();
results.domainRemoved = await resend.domains.remove(results.domain.data.id);
results.key = await resend.apiKeys.create({ name: "Production" });
results.keys = await resend.apiKeys.list();
results.keyRemoved = await resend.apiKeys.remove(results.key.data.id);
results.refused = await resend.emails.send({ ...email, to: "nobody" });
results.restricted = await new Resend(sendingKey, { baseUrl }).domains.list();
console.log(JSON.stringify(results));
