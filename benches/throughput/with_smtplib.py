"""What people would script with Python: one connection that is kept, a text and an HTML part."""

import smtplib
import sys
from email.message import EmailMessage
from email.utils import make_msgid, formatdate

port, count, text, html = sys.argv[1:]
with open(text, encoding="utf-8") as file:
    text = file.read()
with open(html, encoding="utf-8") as file:
    html = file.read()

with smtplib.SMTP("127.0.0.1", int(port)) as relay:
    for number in range(int(count)):
        mail = EmailMessage()
        mail["From"] = "Zentrale Rückkehrkoordination <fristen@zrk-nrw.example>"
        mail["To"] = f"Rückkehr <meldung@stadt-{number:06}.example>"
        mail["Subject"] = "[Frist 31. Dezember 2026] APS-Planungsmodul Dezember 2026"
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain="zrk-nrw.example")
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        relay.send_message(mail)
