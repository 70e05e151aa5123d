-- Writes down every change in the transaction that makes it, so that nothing that happens between two looks is missed; and
-- lets the disk be full. Only in databases of the simulation.
CREATE TABLE simulation_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, was TEXT, now TEXT);
CREATE TABLE simulation_disk (mode INTEGER NOT NULL);
INSERT INTO simulation_disk VALUES (0);
CREATE TRIGGER simulation_disk_fails BEFORE INSERT ON log WHEN (SELECT mode FROM simulation_disk) = 1
BEGIN SELECT RAISE(ABORT, 'database or disk is full (simulated)'); END;
CREATE TRIGGER simulation_disk_rolls_back BEFORE INSERT ON log WHEN (SELECT mode FROM simulation_disk) = 2
BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full (simulated)'); END;
CREATE TRIGGER simulation_queued AFTER INSERT ON notices
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('queued', NULL, json_object('id', NEW.id, 'month', NEW.month, 'duty', NEW.duty, 'step', NEW.step, 'revision', NEW.revision, 'mailbox', NEW.mailbox, 'kind', NEW.kind, 'office', NEW.office, 'authorities', NEW.authorities, 'due_at', NEW.due_at, 'queued_at', NEW.queued_at, 'state', NEW.state, 'reason', NEW.reason, 'next_at', NEW.next_at, 'attempts', NEW.attempts, 'uncertain', NEW.uncertain, 'lease', NEW.lease, 'lease_until', NEW.lease_until, 'handed_over_at', NEW.handed_over_at, 'accepted_at', NEW.accepted_at, 'changed_at', NEW.changed_at)); END;
CREATE TRIGGER simulation_notice AFTER UPDATE ON notices
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('notice', json_object('state', OLD.state, 'lease', OLD.lease, 'lease_until', OLD.lease_until, 'handed_over_at', OLD.handed_over_at, 'uncertain', OLD.uncertain, 'attempts', OLD.attempts), json_object('id', NEW.id, 'month', NEW.month, 'duty', NEW.duty, 'step', NEW.step, 'revision', NEW.revision, 'mailbox', NEW.mailbox, 'kind', NEW.kind, 'office', NEW.office, 'authorities', NEW.authorities, 'due_at', NEW.due_at, 'queued_at', NEW.queued_at, 'state', NEW.state, 'reason', NEW.reason, 'next_at', NEW.next_at, 'attempts', NEW.attempts, 'uncertain', NEW.uncertain, 'lease', NEW.lease, 'lease_until', NEW.lease_until, 'handed_over_at', NEW.handed_over_at, 'accepted_at', NEW.accepted_at, 'changed_at', NEW.changed_at)); END;
CREATE TRIGGER simulation_receipt AFTER INSERT ON receipts
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('receipt', NULL, json_object('month', NEW.month, 'duty', NEW.duty, 'authority', NEW.authority, 'state', NEW.state, 'until_on', NEW.until_on, 'missing', NEW.missing, 'source', NEW.source, 'received_at', NEW.received_at)); END;
CREATE TRIGGER simulation_revision AFTER INSERT ON revisions
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('revision', NULL, json_object('month', NEW.month, 'duty', NEW.duty, 'number', NEW.number, 'import_on', NEW.import_on, 'stated_on', NEW.stated_on, 'ends_on', NEW.ends_on, 'reason', NEW.reason)); END;
CREATE TRIGGER simulation_signal AFTER INSERT ON import_signals
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('signal', NULL, json_object('month', NEW.month, 'import_on', NEW.import_on, 'received_at', NEW.received_at)); END;
CREATE TRIGGER simulation_step AFTER INSERT ON steps
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('step', NULL, json_object('month', NEW.month, 'duty', NEW.duty, 'step', NEW.step, 'revision', NEW.revision, 'due_at', NEW.due_at, 'skipped', NEW.skipped, 'recorded_at', NEW.recorded_at)); END;
CREATE TRIGGER simulation_flag AFTER INSERT ON flags
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('flag', NULL, NEW.mailbox); END;
CREATE TRIGGER simulation_unflag AFTER DELETE ON flags
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('unflag', OLD.mailbox, NULL); END;
CREATE TRIGGER simulation_paused AFTER UPDATE OF paused_at ON service
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('paused', NULL, NEW.paused_at IS NOT NULL); END;
CREATE TRIGGER simulation_start AFTER INSERT ON duty_starts
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('start', NEW.duty, NEW.first_cycle); END;
CREATE TRIGGER simulation_receipts_update AFTER UPDATE ON receipts
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('UPDATE receipts', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_receipts_delete AFTER DELETE ON receipts
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('DELETE receipts', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_revisions_update AFTER UPDATE ON revisions
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('UPDATE revisions', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_revisions_delete AFTER DELETE ON revisions
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('DELETE revisions', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_steps_update AFTER UPDATE ON steps
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('UPDATE steps', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_steps_delete AFTER DELETE ON steps
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('DELETE steps', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_log_update AFTER UPDATE ON log
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('UPDATE log', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_log_delete AFTER DELETE ON log
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('DELETE log', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_import_signals_update AFTER UPDATE ON import_signals
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('UPDATE import_signals', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_import_signals_delete AFTER DELETE ON import_signals
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('DELETE import_signals', OLD.rowid, NULL); END;
CREATE TRIGGER simulation_notices_delete AFTER DELETE ON notices
BEGIN INSERT INTO simulation_changes (what, was, now) VALUES ('DELETE notices', OLD.id, NULL); END;
