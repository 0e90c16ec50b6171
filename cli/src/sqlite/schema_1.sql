CREATE TABLE documents (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    version INTEGER NOT NULL,
    write_id TEXT NOT NULL,
    schema INTEGER NOT NULL,
    body TEXT NOT NULL,
    outcome TEXT,
    updated_at TEXT NOT NULL,
    expires_at TEXT,
    PRIMARY KEY (pk, sk)
) WITHOUT ROWID;

CREATE INDEX by_outcome ON documents (outcome, updated_at, pk, sk) WHERE outcome IS NOT NULL;
CREATE INDEX by_expiry ON documents (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    body TEXT NOT NULL,
    visible_at TEXT NOT NULL,
    receipt TEXT,
    owner TEXT,
    receives INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX by_visibility ON messages (visible_at);
CREATE INDEX by_user ON messages (user_id);

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL
);
