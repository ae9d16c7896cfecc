"""Tables of the eBay simulator. Times are epoch seconds (REAL) where they are compared, ISO text inside documents."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    account_id TEXT PRIMARY KEY, site_id INTEGER NOT NULL, app_id TEXT NOT NULL, dev_id TEXT NOT NULL,
    cert_id TEXT NOT NULL, refresh_token TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, eias_token TEXT NOT NULL,
    scopes TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0, expired_at REAL NOT NULL DEFAULT 0,
    withhold_until REAL NOT NULL DEFAULT 0, webhook_url TEXT, events TEXT NOT NULL, messages_read_to REAL NOT NULL DEFAULT 0,
    created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS accounts_app ON accounts (app_id);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, account_id TEXT, app_id TEXT NOT NULL, issued REAL NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS usage (
    app_id TEXT NOT NULL, account_id TEXT NOT NULL, day TEXT NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (app_id, account_id, day)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, order_id TEXT NOT NULL, ref TEXT NOT NULL,
    doc TEXT NOT NULL, xml TEXT NOT NULL, status TEXT NOT NULL, listed INTEGER NOT NULL, created REAL NOT NULL,
    modified REAL NOT NULL, visible REAL NOT NULL, reveal_at REAL,
    UNIQUE (account_id, order_id), UNIQUE (account_id, ref));
CREATE INDEX IF NOT EXISTS orders_modified ON orders (account_id, listed, modified, seq, visible, created, status);
CREATE INDEX IF NOT EXISTS orders_created ON orders (account_id, listed, created, seq, visible, modified, status);
CREATE INDEX IF NOT EXISTS orders_reveal ON orders (account_id, reveal_at) WHERE reveal_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS lines (
    account_id TEXT NOT NULL, line_id TEXT NOT NULL, order_id TEXT NOT NULL,
    PRIMARY KEY (account_id, line_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tracking (
    number TEXT NOT NULL, app_id TEXT NOT NULL, account_id TEXT NOT NULL, buyer_id TEXT NOT NULL,
    PRIMARY KEY (number, app_id, account_id, buyer_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, message_id TEXT NOT NULL, ref TEXT NOT NULL,
    order_id TEXT, doc TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, sender TEXT NOT NULL, item_id TEXT,
    created REAL NOT NULL, visible REAL NOT NULL, answers TEXT NOT NULL DEFAULT '[]',
    answer_calls INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, message_id), UNIQUE (account_id, ref));
CREATE INDEX IF NOT EXISTS messages_created ON messages (account_id, created, seq, visible);
CREATE TABLE IF NOT EXISTS notifications (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL,
    correlation TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, body TEXT,
    again INTEGER NOT NULL DEFAULT 0, done REAL, last_status TEXT, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS notifications_due ON notifications (due) WHERE done IS NULL;
CREATE TABLE IF NOT EXISTS keys (kid TEXT PRIMARY KEY, pem TEXT NOT NULL);
"""
