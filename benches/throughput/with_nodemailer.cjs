// What people would script with nodemailer: a pool of connections, a text and an HTML part.
const [folder, port, connections, count, text, html] = process.argv.slice(2);
const nodemailer = require(folder);
const fs = require("node:fs");

const parts = { text: fs.readFileSync(text, "utf8"), html: fs.readFileSync(html, "utf8") };
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
});

async function send() {
  const sent = [];
  for (let number = 0; number < Number(count); number += 1) {
    const digits = String(number).padStart(6, "0");
    sent.push(transport.sendMail({
      from: "Zentrale Rückkehrkoordination <fristen@zrk-nrw.example>",
      to: `Rückkehr <meldung@stadt-${digits}.example>`,
      subject: "[Frist 31. Dezember 2026] APS-Planungsmodul Dezember 2026",
      ...parts,
    }));
  }
  await Promise.all(sent);
  transport.close();
}

send().catch((cause) => {
  console.error(cause);
  process.exit(1);
});
