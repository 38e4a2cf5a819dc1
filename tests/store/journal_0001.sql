BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE chain (
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	prev_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "chain" VALUES(1,'sessions','d64d51cf65b9cae84c52a07884d3adab3088a9e89f2d84afe1dc63abfb69cc36','2ac8682bb808b36a2e8044bd24ec7e1724c1c15017e7889490e4d54ad77bd77e');
INSERT INTO "chain" VALUES(2,'runs','2ac8682bb808b36a2e8044bd24ec7e1724c1c15017e7889490e4d54ad77bd77e','cd852b7b5e5d8cf310180b22794b7224fd058c00a4cc2e6ad28bf5752b1d73b8');
INSERT INTO "chain" VALUES(3,'intents','cd852b7b5e5d8cf310180b22794b7224fd058c00a4cc2e6ad28bf5752b1d73b8','972b85777dac19f7a04c03a90c4f5021136b11405a6aaccab9866690c4c41500');
INSERT INTO "chain" VALUES(4,'intent_states','972b85777dac19f7a04c03a90c4f5021136b11405a6aaccab9866690c4c41500','eb62f310c5a25cf71bb2b30bea5eddf808edc920756bf9cc2383bb048a0f9a0b');
INSERT INTO "chain" VALUES(5,'orders','eb62f310c5a25cf71bb2b30bea5eddf808edc920756bf9cc2383bb048a0f9a0b','93b1803e5fc92660dd37b664a92c7829bc05701ab556e27c5326e6aa46cf139b');
INSERT INTO "chain" VALUES(6,'orders','93b1803e5fc92660dd37b664a92c7829bc05701ab556e27c5326e6aa46cf139b','276b209c9175f9c36d403b625167b02554da439bda6aeb574c63b05b244bea96');
INSERT INTO "chain" VALUES(7,'fills','276b209c9175f9c36d403b625167b02554da439bda6aeb574c63b05b244bea96','ff437dbe49ef2f416a39e1253de904a6d45b23380ce093c5898e22ccbab9e89b');
INSERT INTO "chain" VALUES(8,'intents','ff437dbe49ef2f416a39e1253de904a6d45b23380ce093c5898e22ccbab9e89b','c9ab6e24ce162e4581e57ff1963f93354f566b0cf4c5908e756f9e6db3915d9f');
INSERT INTO "chain" VALUES(9,'intent_states','c9ab6e24ce162e4581e57ff1963f93354f566b0cf4c5908e756f9e6db3915d9f','2f3662a1d9c38fb2c2856f374dfe550c6d2e719171e6c9d12c44118738a2f7e4');
INSERT INTO "chain" VALUES(10,'events','2f3662a1d9c38fb2c2856f374dfe550c6d2e719171e6c9d12c44118738a2f7e4','ad0ca787ef64c6ae529e1dcbae897740b2d3f993745e8b2fad81d525bf24c43d');
INSERT INTO "chain" VALUES(11,'run_ends','ad0ca787ef64c6ae529e1dcbae897740b2d3f993745e8b2fad81d525bf24c43d','b0494fc9ec02e79d0a5810bd0510732d101ea09f7420acd19b3be1a28051eda7');
INSERT INTO "chain" VALUES(12,'session_ends','b0494fc9ec02e79d0a5810bd0510732d101ea09f7420acd19b3be1a28051eda7','c1bd7d1faad1ee17aed8f890549927aa3f026569c7574b5e140d0a4a866c3cbd');
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq)
);
INSERT INTO "events" VALUES(10,1795147207123456000,'kill switch','{"state":"halted","why":"test"}');
CREATE TABLE fills (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	trade_id TEXT NOT NULL, 
	order_id TEXT NOT NULL, 
	exchange TEXT NOT NULL, 
	tradingsymbol TEXT NOT NULL, 
	transaction_type TEXT NOT NULL, 
	product TEXT NOT NULL, 
	exchange_order_id TEXT NOT NULL, 
	strategy TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	instrument_token INTEGER NOT NULL, 
	price_e4 INTEGER NOT NULL, 
	average_price FLOAT NOT NULL, 
	fill_timestamp_ns INTEGER, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq)
);
INSERT INTO "fills" VALUES(7,1795147202223456000,'1','261120000000001','NSE','INFY','BUY','MIS','','run-1',10,408065,15000500,1500.05,1795147202123456000);
CREATE TABLE intent_states (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	tag TEXT NOT NULL, 
	state TEXT NOT NULL, 
	order_id TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq), 
	FOREIGN KEY(tag) REFERENCES intents (tag)
);
INSERT INTO "intent_states" VALUES(4,1795147200323456000,'ap1','sent','261120000000001','');
INSERT INTO "intent_states" VALUES(9,1795147206123456000,'ap2','unknown','','no answer in 7 s');
CREATE TABLE intents (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	tag TEXT NOT NULL, 
	exchange TEXT NOT NULL, 
	tradingsymbol TEXT NOT NULL, 
	transaction_type TEXT NOT NULL, 
	product TEXT NOT NULL, 
	order_type TEXT NOT NULL, 
	variety TEXT NOT NULL, 
	validity TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	instrument_token INTEGER NOT NULL, 
	disclosed_quantity INTEGER NOT NULL, 
	strategy TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	price FLOAT, 
	trigger_price FLOAT, 
	market_protection FLOAT, 
	validity_ttl INTEGER, 
	iceberg_legs INTEGER, 
	iceberg_quantity INTEGER, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq), 
	UNIQUE (tag)
);
INSERT INTO "intents" VALUES(3,1795147200123456000,'ap1','NSE','INFY','BUY','MIS','LIMIT','regular','DAY',10,408065,0,'run-1','return over 20 bars +1.20 % above 1.00 %',1500.05,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "intents" VALUES(8,1795147205123456000,'ap2','NSE','INFY','BUY','MIS','MARKET','regular','DAY',10,408065,0,'','by hand',NULL,NULL,-1.0,NULL,NULL,NULL);
CREATE TABLE orders (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	order_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	exchange TEXT NOT NULL, 
	tradingsymbol TEXT NOT NULL, 
	transaction_type TEXT NOT NULL, 
	product TEXT NOT NULL, 
	order_type TEXT NOT NULL, 
	variety TEXT NOT NULL, 
	validity TEXT NOT NULL, 
	placed_by TEXT NOT NULL, 
	guid TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	meta TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	filled_quantity INTEGER NOT NULL, 
	pending_quantity INTEGER NOT NULL, 
	cancelled_quantity INTEGER NOT NULL, 
	disclosed_quantity INTEGER NOT NULL, 
	instrument_token INTEGER NOT NULL, 
	price FLOAT NOT NULL, 
	trigger_price FLOAT NOT NULL, 
	average_price FLOAT NOT NULL, 
	market_protection FLOAT NOT NULL, 
	modified BOOLEAN NOT NULL, 
	exchange_order_id TEXT, 
	parent_order_id TEXT, 
	status_message TEXT, 
	status_message_raw TEXT, 
	tag TEXT, 
	order_timestamp_ns INTEGER, 
	exchange_timestamp_ns INTEGER, 
	exchange_update_timestamp_ns INTEGER, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq)
);
INSERT INTO "orders" VALUES(5,1795147200423456000,'261120000000001','OPEN','NSE','INFY','BUY','MIS','LIMIT','regular','DAY','AB1234','','["ap1"]','{}',10,0,10,0,0,408065,1500.05,0.0,0.0,0.0,0,NULL,NULL,NULL,NULL,'ap1',1795147200123456000,NULL,NULL);
INSERT INTO "orders" VALUES(6,1795147202123456000,'261120000000001','COMPLETE','NSE','INFY','BUY','MIS','LIMIT','regular','DAY','AB1234','','["ap1"]','{}',10,10,0,0,0,408065,1500.05,0.0,1500.05,0.0,0,NULL,NULL,NULL,NULL,'ap1',1795147200123456000,NULL,NULL);
CREATE TABLE run_ends (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	how TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq), 
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
INSERT INTO "run_ends" VALUES(11,1795147208123456000,'run-1','stopped by hand');
CREATE TABLE runs (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	strategy TEXT NOT NULL, 
	instruments TEXT NOT NULL, 
	parameters TEXT NOT NULL, 
	started_at_ns INTEGER NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq), 
	UNIQUE (run_id)
);
INSERT INTO "runs" VALUES(2,1795147200123456000,'run-1','momentum','["NSE:INFY"]','{"lookback":20,"lots":10}',1795147200123456000);
CREATE TABLE session_ends (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	session_seq INTEGER NOT NULL, 
	how TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq), 
	FOREIGN KEY(session_seq) REFERENCES sessions (seq)
);
INSERT INTO "session_ends" VALUES(12,1795147209123456000,1,'logged out');
CREATE TABLE sessions (
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	user_id TEXT NOT NULL, 
	login_time_ns INTEGER NOT NULL, 
	expires_at_ns INTEGER NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES chain (seq)
);
INSERT INTO "sessions" VALUES(1,1795147200123456000,'AB1234',1795147200123456000,1795219200123456000);
CREATE TRIGGER chain_no_update BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE TRIGGER chain_no_delete BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE INDEX ix_sessions_at_ns ON sessions (at_ns);
CREATE TRIGGER sessions_no_update BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'sessions is append-only'); END;
CREATE TRIGGER sessions_no_delete BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'sessions is append-only'); END;
CREATE INDEX ix_intents_at_ns ON intents (at_ns);
CREATE TRIGGER intents_no_update BEFORE UPDATE ON intents BEGIN SELECT RAISE(ABORT, 'intents is append-only'); END;
CREATE TRIGGER intents_no_delete BEFORE DELETE ON intents BEGIN SELECT RAISE(ABORT, 'intents is append-only'); END;
CREATE INDEX ix_orders_order_id ON orders (order_id);
CREATE INDEX ix_orders_at_ns ON orders (at_ns);
CREATE TRIGGER orders_no_update BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'orders is append-only'); END;
CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders BEGIN SELECT RAISE(ABORT, 'orders is append-only'); END;
CREATE INDEX ix_fills_at_ns ON fills (at_ns);
CREATE UNIQUE INDEX ux_fills_id ON fills (exchange, order_id, trade_id);
CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;
CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;
CREATE INDEX ix_runs_at_ns ON runs (at_ns);
CREATE TRIGGER runs_no_update BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
CREATE TRIGGER runs_no_delete BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
CREATE INDEX ix_events_at_ns ON events (at_ns);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE INDEX ix_session_ends_session_seq ON session_ends (session_seq);
CREATE INDEX ix_session_ends_at_ns ON session_ends (at_ns);
CREATE TRIGGER session_ends_no_update BEFORE UPDATE ON session_ends BEGIN SELECT RAISE(ABORT, 'session_ends is append-only'); END;
CREATE TRIGGER session_ends_no_delete BEFORE DELETE ON session_ends BEGIN SELECT RAISE(ABORT, 'session_ends is append-only'); END;
CREATE INDEX ix_intent_states_at_ns ON intent_states (at_ns);
CREATE INDEX ix_intent_states_tag ON intent_states (tag);
CREATE TRIGGER intent_states_no_update BEFORE UPDATE ON intent_states BEGIN SELECT RAISE(ABORT, 'intent_states is append-only'); END;
CREATE TRIGGER intent_states_no_delete BEFORE DELETE ON intent_states BEGIN SELECT RAISE(ABORT, 'intent_states is append-only'); END;
CREATE INDEX ix_run_ends_run_id ON run_ends (run_id);
CREATE INDEX ix_run_ends_at_ns ON run_ends (at_ns);
CREATE TRIGGER run_ends_no_update BEFORE UPDATE ON run_ends BEGIN SELECT RAISE(ABORT, 'run_ends is append-only'); END;
CREATE TRIGGER run_ends_no_delete BEFORE DELETE ON run_ends BEGIN SELECT RAISE(ABORT, 'run_ends is append-only'); END;
COMMIT;
