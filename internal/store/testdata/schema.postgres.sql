CREATE OR REPLACE FUNCTION public.audit_stays()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'an audit record never changes' USING ERRCODE = 'restrict_violation';
END $function$;

CREATE OR REPLACE FUNCTION public.keep_person()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.policy_version_goes()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF EXISTS (SELECT 1 FROM tenant_head h WHERE h.tenant = OLD.tenant) THEN
    RAISE EXCEPTION 'a version of a policy never changes and never goes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $function$;

CREATE OR REPLACE FUNCTION public.policy_version_stays()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'a version of a policy never changes and never goes' USING ERRCODE = 'restrict_violation';
END $function$;

CREATE OR REPLACE FUNCTION public.reply_bytes_stay()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'a stored reply never changes' USING ERRCODE = 'restrict_violation';
END $function$;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays();

CREATE TRIGGER connection_other_person AFTER UPDATE OF person ON connection FOR EACH ROW WHEN (new.person <> ''::text AND new.person <> old.person) EXECUTE FUNCTION keep_person();

CREATE TRIGGER connection_person AFTER INSERT ON connection FOR EACH ROW WHEN (new.person <> ''::text) EXECUTE FUNCTION keep_person();

CREATE TRIGGER policy_version_stays BEFORE UPDATE OF tenant, id, name, description, zone, rules, ended, changed_by, changed_at, created_at, version ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_stays();

CREATE TRIGGER policy_version_stays_there BEFORE DELETE ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_goes();

CREATE TRIGGER reply_bytes_stay BEFORE UPDATE OF bytes, reply_event_id ON reply FOR EACH ROW WHEN (new.bytes IS NOT NULL OR new.reply_event_id <> old.reply_event_id) EXECUTE FUNCTION reply_bytes_stay();

CREATE TRIGGER token_other_person AFTER UPDATE OF person ON token FOR EACH ROW WHEN (new.person <> ''::text AND new.person <> old.person) EXECUTE FUNCTION keep_person();

CREATE TRIGGER token_person AFTER INSERT ON token FOR EACH ROW WHEN (new.person <> ''::text) EXECUTE FUNCTION keep_person();

CREATE TABLE admin (
  tenant text COLLATE "C" NOT NULL,
  pubkey bytea NOT NULL,
  role bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  added_by text COLLATE "C" NOT NULL,
  active_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  keys text COLLATE "C" NOT NULL DEFAULT ''::text,
  legacy_until bigint NOT NULL DEFAULT 0,
  script bigint NOT NULL DEFAULT 0,
  CONSTRAINT admin_pkey PRIMARY KEY (tenant, pubkey),
  CONSTRAINT admin_script_check CHECK (script = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT admin_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE admin_op (
  tenant text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  op text COLLATE "C" NOT NULL,
  command text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  at bigint NOT NULL,
  result bytea,
  CONSTRAINT admin_op_pkey PRIMARY KEY (tenant, person, op),
  CONSTRAINT admin_op_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE approval (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  event_id bytea NOT NULL,
  connection text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  kind bigint NOT NULL,
  op_digest bytea NOT NULL,
  summary bytea NOT NULL,
  answers text COLLATE "C" NOT NULL,
  once_only bigint NOT NULL,
  reply_by bigint NOT NULL,
  question_until bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  answered_by text COLLATE "C" NOT NULL,
  answered_at bigint NOT NULL,
  created_at bigint NOT NULL,
  batch text COLLATE "C" NOT NULL DEFAULT ''::text,
  CONSTRAINT approval_event_id_key UNIQUE (event_id),
  CONSTRAINT approval_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT approval_state_check CHECK (state = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'expired'::text, 'withdrawn'::text])),
  CONSTRAINT approval_tenant_connection_fkey FOREIGN KEY (tenant, connection) REFERENCES connection(tenant, id) DEFERRABLE
);

CREATE TABLE audit (
  tenant text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  "time" bigint NOT NULL,
  event_at bigint NOT NULL,
  event_id bytea,
  step text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  user_key text COLLATE "C" NOT NULL,
  connection text COLLATE "C" NOT NULL,
  effect text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  hash bytea NOT NULL,
  person text COLLATE "C" NOT NULL DEFAULT ''::text,
  CONSTRAINT audit_pkey PRIMARY KEY (tenant, seq)
);

CREATE TABLE budget (
  tenant text COLLATE "C" NOT NULL,
  policy text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  span text COLLATE "C" NOT NULL,
  used bigint NOT NULL,
  max bigint NOT NULL,
  ends_at bigint NOT NULL,
  CONSTRAINT budget_check CHECK (used <= max),
  CONSTRAINT budget_pkey PRIMARY KEY (tenant, policy, rule, scope, span)
);

CREATE TABLE budget_log (
  no bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  spent text COLLATE "C" NOT NULL,
  CONSTRAINT budget_log_pkey PRIMARY KEY (no)
);

CREATE TABLE checkpoint (
  tenant text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  incarnation text COLLATE "C" NOT NULL,
  head bytea NOT NULL,
  "time" bigint NOT NULL,
  audit_key bytea NOT NULL,
  sig bytea NOT NULL,
  CONSTRAINT checkpoint_pkey PRIMARY KEY (tenant, seq),
  CONSTRAINT checkpoint_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE connection (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  signer bytea NOT NULL,
  client bytea NOT NULL,
  state text COLLATE "C" NOT NULL,
  token text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  relays text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  metadata text COLLATE "C" NOT NULL,
  last_used bigint NOT NULL,
  uses bigint NOT NULL,
  resume_at bigint NOT NULL DEFAULT 0,
  switch_to text COLLATE "C" NOT NULL DEFAULT ''::text,
  seat_day bigint NOT NULL DEFAULT 0,
  CONSTRAINT connection_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT connection_signer_client_tenant_key UNIQUE (signer, client, tenant),
  CONSTRAINT connection_state_check CHECK (state = ANY (ARRAY['pending'::text, 'active'::text, 'suspended'::text, 'ended'::text, 'revoked'::text, 'expired'::text])),
  CONSTRAINT connection_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE connection_grant (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  connection text COLLATE "C" NOT NULL,
  effect bigint NOT NULL,
  permissions text COLLATE "C" NOT NULL,
  op_digest bytea NOT NULL,
  approval text COLLATE "C",
  answers text COLLATE "C" NOT NULL,
  max_uses bigint NOT NULL,
  uses bigint NOT NULL,
  expires_at bigint NOT NULL,
  given_by text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  ended bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  policy text COLLATE "C" NOT NULL DEFAULT ''::text,
  CONSTRAINT connection_grant_check CHECK (max_uses = 0 OR uses <= max_uses),
  CONSTRAINT connection_grant_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT connection_grant_tenant_approval_key UNIQUE (tenant, approval),
  CONSTRAINT connection_grant_tenant_connection_fkey FOREIGN KEY (tenant, connection) REFERENCES connection(tenant, id) DEFERRABLE
);

CREATE TABLE device (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  pub bytea NOT NULL,
  person bytea NOT NULL,
  role bigint NOT NULL,
  label text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  paired bigint NOT NULL,
  last_login bigint NOT NULL,
  expires_at bigint NOT NULL,
  confirmed_by text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  CONSTRAINT device_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT device_state_check CHECK (state = ANY (ARRAY['confirmed'::text, 'revoked'::text])),
  CONSTRAINT device_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE http_used (
  tenant text COLLATE "C" NOT NULL,
  event_id bytea NOT NULL,
  until bigint NOT NULL,
  CONSTRAINT http_used_pkey PRIMARY KEY (tenant, event_id)
);

CREATE TABLE instance (
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  beat_at bigint NOT NULL,
  draining bigint NOT NULL,
  done bigint NOT NULL,
  opened bigint NOT NULL DEFAULT 0,
  CONSTRAINT instance_pkey PRIMARY KEY (id)
);

CREATE TABLE instance_open (
  instance text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  open bigint NOT NULL,
  no bigint NOT NULL,
  CONSTRAINT instance_open_instance_fkey FOREIGN KEY (instance) REFERENCES instance(id) ON DELETE CASCADE,
  CONSTRAINT instance_open_open_check CHECK (open = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT instance_open_pkey PRIMARY KEY (instance, tenant)
);

CREATE TABLE instance_order (
  no bigint NOT NULL,
  at bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  what text COLLATE "C" NOT NULL,
  instance text COLLATE "C" NOT NULL,
  CONSTRAINT instance_order_pkey PRIMARY KEY (no),
  CONSTRAINT instance_order_what_check CHECK (what = ANY (ARRAY['changed'::text, 'sealed'::text]))
);

CREATE TABLE invite (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  secret_hash bytea NOT NULL,
  for_pubkey bytea NOT NULL,
  role bigint NOT NULL,
  keys text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  invited_by text COLLATE "C" NOT NULL,
  inviter bytea NOT NULL,
  state text COLLATE "C" NOT NULL,
  accepted_by bytea NOT NULL,
  accepted_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  tries bigint NOT NULL,
  CONSTRAINT invite_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT invite_state_check CHECK (state = ANY (ARRAY['open'::text, 'accepted'::text, 'revoked'::text])),
  CONSTRAINT invite_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE kdf_attempt (
  tenant text COLLATE "C" NOT NULL,
  what text COLLATE "C" NOT NULL,
  spent bigint NOT NULL,
  at bigint NOT NULL,
  CONSTRAINT kdf_attempt_pkey PRIMARY KEY (tenant, what),
  CONSTRAINT kdf_attempt_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE kept_version (
  tenant text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  kind bigint NOT NULL,
  address bytea NOT NULL,
  seq bigint NOT NULL,
  created_at bigint NOT NULL,
  event_id bytea NOT NULL,
  source text COLLATE "C" NOT NULL,
  connection text COLLATE "C" NOT NULL,
  kept_at bigint NOT NULL,
  seen bigint NOT NULL,
  size bigint NOT NULL,
  sealed bytea NOT NULL,
  CONSTRAINT kept_version_pkey PRIMARY KEY (tenant, key_id, kind, address, seq),
  CONSTRAINT kept_version_source_check CHECK (source = ANY (ARRAY['signed'::text, 'fetched'::text]))
);

CREATE TABLE lease (
  name text COLLATE "C" NOT NULL,
  instance text COLLATE "C" NOT NULL,
  since bigint NOT NULL,
  CONSTRAINT lease_pkey PRIMARY KEY (name)
);

CREATE TABLE motion (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  command text COLLATE "C" NOT NULL,
  params bytea NOT NULL,
  digest bytea NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  moved_by text COLLATE "C" NOT NULL,
  votes text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  CONSTRAINT motion_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT motion_state_check CHECK (state = ANY (ARRAY['open'::text, 'done'::text, 'withdrawn'::text])),
  CONSTRAINT motion_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE notice (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  user_key bytea NOT NULL,
  connection text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  due bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  batch text COLLATE "C" NOT NULL,
  tries bigint NOT NULL,
  next_try bigint NOT NULL,
  error text COLLATE "C" NOT NULL,
  sent_at bigint NOT NULL,
  used bigint NOT NULL,
  CONSTRAINT notice_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT notice_state_check CHECK (state = ANY (ARRAY['waiting'::text, 'sent'::text, 'moot'::text, 'failed'::text])),
  CONSTRAINT notice_tenant_channel_fkey FOREIGN KEY (tenant, channel) REFERENCES notify_channel(tenant, name) DEFERRABLE,
  CONSTRAINT notice_tenant_channel_source_key UNIQUE (tenant, channel, source)
);

CREATE TABLE notify_channel (
  tenant text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  settings text COLLATE "C" NOT NULL,
  secret bytea NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  sealed_mac bytea NOT NULL,
  CONSTRAINT notify_channel_kind_check CHECK (kind = ANY (ARRAY['nostr'::text, 'ntfy'::text, 'webhook'::text, 'mail'::text, 'push'::text])),
  CONSTRAINT notify_channel_pkey PRIMARY KEY (tenant, name),
  CONSTRAINT notify_channel_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE notify_state (
  tenant text COLLATE "C" NOT NULL,
  seen bigint NOT NULL,
  vapid_public text COLLATE "C" NOT NULL,
  vapid_secret bytea NOT NULL,
  CONSTRAINT notify_state_pkey PRIMARY KEY (tenant),
  CONSTRAINT notify_state_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE orders (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  bunker text COLLATE "C" NOT NULL,
  admins text COLLATE "C" NOT NULL,
  people bigint NOT NULL,
  sats bigint NOT NULL,
  created_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  asked_at bigint NOT NULL,
  tries bigint NOT NULL,
  next_try bigint NOT NULL,
  trouble text COLLATE "C" NOT NULL,
  making bigint NOT NULL,
  next_act bigint NOT NULL,
  is_case bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea NOT NULL,
  CONSTRAINT orders_is_case_check CHECK (is_case = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT orders_kind_check CHECK (kind = ANY (ARRAY['bunker'::text, 'trial'::text, 'plan'::text])),
  CONSTRAINT orders_people_check CHECK (people > 0),
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_sats_check CHECK (sats > 0),
  CONSTRAINT orders_state_check CHECK (state = ANY (ARRAY['new'::text, 'invoiced'::text, 'lapsed'::text, 'paid'::text, 'made'::text, 'held'::text, 'closed'::text]))
);

CREATE TABLE payment (
  tenant text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  order_id text COLLATE "C" NOT NULL,
  bolt11 text COLLATE "C" NOT NULL,
  sats bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  settled_at bigint NOT NULL,
  paid_msat bigint NOT NULL,
  taken_msat bigint NOT NULL,
  why text COLLATE "C" NOT NULL,
  refunded_at bigint NOT NULL,
  refund text COLLATE "C" NOT NULL,
  polls bigint NOT NULL,
  next_poll bigint NOT NULL,
  CONSTRAINT payment_check CHECK (taken_msat >= 0 AND taken_msat <= paid_msat),
  CONSTRAINT payment_hash_check CHECK (length(hash) = 32),
  CONSTRAINT payment_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT payment_paid_msat_check CHECK (paid_msat >= 0),
  CONSTRAINT payment_pkey PRIMARY KEY (hash),
  CONSTRAINT payment_sats_check CHECK (sats > 0),
  CONSTRAINT payment_state_check CHECK (state = ANY (ARRAY['open'::text, 'lapsed'::text, 'settled'::text]))
);

CREATE TABLE person (
  tenant text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  CONSTRAINT person_pkey PRIMARY KEY (tenant, name),
  CONSTRAINT person_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE plan (
  tenant text COLLATE "C" NOT NULL,
  people bigint NOT NULL,
  until bigint NOT NULL,
  trial bigint NOT NULL,
  told text COLLATE "C" NOT NULL,
  next_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea NOT NULL,
  CONSTRAINT plan_people_check CHECK (people > 0),
  CONSTRAINT plan_pkey PRIMARY KEY (tenant),
  CONSTRAINT plan_trial_check CHECK (trial = ANY (ARRAY[0::bigint, 1::bigint]))
);

CREATE TABLE policy (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  description text COLLATE "C" NOT NULL,
  zone text COLLATE "C" NOT NULL,
  ended bigint NOT NULL,
  changed_by text COLLATE "C" NOT NULL,
  changed_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  rules text COLLATE "C" NOT NULL,
  CONSTRAINT policy_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT policy_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE policy_version (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  description text COLLATE "C" NOT NULL,
  zone text COLLATE "C" NOT NULL,
  ended bigint NOT NULL,
  changed_by text COLLATE "C" NOT NULL,
  changed_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  rules text COLLATE "C" NOT NULL,
  CONSTRAINT policy_version_pkey PRIMARY KEY (tenant, id, version),
  CONSTRAINT policy_version_tenant_id_fkey FOREIGN KEY (tenant, id) REFERENCES policy(tenant, id) DEFERRABLE
);

CREATE TABLE relay (
  tenant text COLLATE "C" NOT NULL,
  url text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  added_at bigint NOT NULL,
  heard_until bigint NOT NULL,
  CONSTRAINT relay_pkey PRIMARY KEY (tenant, url),
  CONSTRAINT relay_state_check CHECK (state = ANY (ARRAY['used'::text, 'old'::text])),
  CONSTRAINT relay_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE reply (
  no bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  part text COLLATE "C" NOT NULL,
  reply_event_id bytea NOT NULL,
  bytes bytea,
  sealed bigint NOT NULL,
  tries bigint NOT NULL,
  next_try bigint NOT NULL,
  accepted_by text COLLATE "C" NOT NULL,
  CONSTRAINT reply_check CHECK (part = 'final'::text AND (no % 2::bigint) = 1 OR part = 'auth_url'::text AND (no % 2::bigint) = 0),
  CONSTRAINT reply_pkey PRIMARY KEY (no)
);

CREATE TABLE request (
  no bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  event_id bytea NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  signer bytea NOT NULL,
  client bytea NOT NULL,
  connection text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  op_digest bytea NOT NULL,
  created_at bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  envelope bytea,
  relays text COLLATE "C" NOT NULL,
  question text COLLATE "C" NOT NULL,
  tenant_version bigint NOT NULL,
  connection_version bigint NOT NULL,
  key_version bigint NOT NULL,
  publisher text COLLATE "C" NOT NULL,
  publish_until bigint NOT NULL,
  inserted_at bigint NOT NULL,
  ready_at bigint NOT NULL,
  erased bigint NOT NULL DEFAULT 0,
  accepted_by text COLLATE "C" NOT NULL DEFAULT ''::text,
  link text COLLATE "C" NOT NULL DEFAULT ''::text,
  CONSTRAINT request_check CHECK (envelope IS NULL OR state = 'parked'::text),
  CONSTRAINT request_event_id_key UNIQUE (event_id),
  CONSTRAINT request_pkey PRIMARY KEY (no),
  CONSTRAINT request_state_check CHECK (state = 'ready'::text OR state = 'delivered'::text OR state = 'parked'::text OR state = 'undeliverable'::text)
);

CREATE TABLE schema_rule (
  id bigint NOT NULL,
  minimum bigint NOT NULL,
  CONSTRAINT schema_rule_id_check CHECK (id = 1),
  CONSTRAINT schema_rule_pkey PRIMARY KEY (id)
);

CREATE TABLE service_key (
  tenant text COLLATE "C" NOT NULL,
  pubkey bytea NOT NULL,
  role text COLLATE "C" NOT NULL,
  ciphertext bytea NOT NULL,
  created_at bigint NOT NULL,
  CONSTRAINT service_key_pkey PRIMARY KEY (tenant, pubkey),
  CONSTRAINT service_key_pubkey_key UNIQUE (pubkey),
  CONSTRAINT service_key_role_check CHECK (role = ANY (ARRAY['signer'::text, 'admin'::text, 'audit'::text, 'notifier'::text])),
  CONSTRAINT service_key_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE setting (
  tenant text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  CONSTRAINT setting_pkey PRIMARY KEY (tenant, name),
  CONSTRAINT setting_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE
);

CREATE TABLE slot (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  params bytea NOT NULL,
  wrapped bytea NOT NULL,
  created_at bigint NOT NULL,
  CONSTRAINT slot_kind_check CHECK (kind = ANY (ARRAY['passphrase'::text, 'file'::text, 'credential'::text, 'command'::text, 'provider'::text])),
  CONSTRAINT slot_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT slot_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE,
  CONSTRAINT slot_tenant_name_key UNIQUE (tenant, name)
);

CREATE TABLE tenant (
  tenant text COLLATE "C" NOT NULL,
  label text COLLATE "C" NOT NULL,
  order_id text COLLATE "C" NOT NULL,
  admins text COLLATE "C" NOT NULL,
  admin_key bytea NOT NULL,
  service_key bytea,
  setup_code bytea,
  why text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  held_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea NOT NULL,
  moved bigint NOT NULL DEFAULT 0,
  CONSTRAINT tenant_admin_key_check CHECK (length(admin_key) = 32),
  CONSTRAINT tenant_pkey PRIMARY KEY (tenant)
);

CREATE TABLE tenant_head (
  tenant text COLLATE "C" NOT NULL,
  set_up bigint NOT NULL,
  stopped bigint NOT NULL,
  default_effect bigint NOT NULL,
  reviewed bigint NOT NULL,
  refuse_before bigint NOT NULL,
  incarnation text COLLATE "C" NOT NULL,
  incarnation_no bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  chain_seq bigint NOT NULL,
  chain_head bytea NOT NULL,
  ledger_time bigint NOT NULL,
  pending text COLLATE "C" NOT NULL,
  pending_mac bytea,
  quorum text COLLATE "C" NOT NULL DEFAULT ''::text,
  standing text COLLATE "C" NOT NULL DEFAULT ''::text,
  quota text COLLATE "C" NOT NULL DEFAULT ''::text,
  CONSTRAINT tenant_head_pkey PRIMARY KEY (tenant)
);

CREATE TABLE tenant_opened (
  tenant text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  CONSTRAINT tenant_opened_pkey PRIMARY KEY (tenant)
);

CREATE TABLE token (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  signer bytea NOT NULL,
  secret_hash bytea NOT NULL,
  client text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  permissions text COLLATE "C" NOT NULL,
  max_uses bigint NOT NULL,
  uses bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  grant_for bigint NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  mac bytea,
  policy text COLLATE "C" NOT NULL DEFAULT ''::text,
  CONSTRAINT token_check CHECK (uses <= max_uses),
  CONSTRAINT token_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT token_state_check CHECK (state = ANY (ARRAY['open'::text, 'spent'::text, 'revoked'::text])),
  CONSTRAINT token_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE,
  CONSTRAINT token_tenant_secret_hash_key UNIQUE (tenant, secret_hash)
);

CREATE TABLE user_key (
  tenant text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  pubkey bytea NOT NULL,
  state text COLLATE "C" NOT NULL,
  locked bigint NOT NULL,
  no_export bigint NOT NULL,
  own_passphrase bigint NOT NULL,
  npub_login bigint NOT NULL,
  admin_here bigint NOT NULL,
  default_effect bigint NOT NULL,
  delete_at bigint NOT NULL,
  created_at bigint NOT NULL,
  version bigint NOT NULL,
  ciphertext bytea NOT NULL,
  mac bytea,
  guard_share bigint NOT NULL DEFAULT 0,
  baseline bigint NOT NULL DEFAULT 0,
  paused bigint NOT NULL DEFAULT 0,
  paused_until bigint NOT NULL DEFAULT 0,
  CONSTRAINT user_key_baseline_check CHECK (baseline >= 0 AND baseline <= 2),
  CONSTRAINT user_key_pkey PRIMARY KEY (tenant, id),
  CONSTRAINT user_key_state_check CHECK (state = ANY (ARRAY['active'::text, 'deleting'::text])),
  CONSTRAINT user_key_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant_head(tenant) DEFERRABLE,
  CONSTRAINT user_key_tenant_name_key UNIQUE (tenant, name),
  CONSTRAINT user_key_tenant_pubkey_key UNIQUE (tenant, pubkey)
);

CREATE INDEX admin_op_at ON public.admin_op USING btree (tenant, at);

CREATE INDEX approval_answered ON public.approval USING btree (answered_at) WHERE (state <> 'pending'::text);

CREATE UNIQUE INDEX approval_open ON public.approval USING btree (tenant, connection, op_digest) WHERE (state = 'pending'::text);

CREATE INDEX approval_recent ON public.approval USING btree (tenant, connection, answered_at);

CREATE INDEX approval_until ON public.approval USING btree (question_until) WHERE (state = 'pending'::text);

CREATE INDEX budget_over ON public.budget USING btree (ends_at) WHERE (ends_at > 0);

CREATE INDEX budget_total ON public.budget USING btree (tenant) WHERE (ends_at = 0);

CREATE INDEX connection_client ON public.connection USING btree (client);

CREATE INDEX connection_grant_all ON public.connection_grant USING btree (tenant, connection);

CREATE INDEX connection_grant_live ON public.connection_grant USING btree (tenant, connection) WHERE (ended = 0);

CREATE INDEX connection_grant_policy ON public.connection_grant USING btree (tenant, policy) WHERE ((policy <> ''::text) AND (ended = 0));

CREATE INDEX connection_key ON public.connection USING btree (tenant, key_id);

CREATE INDEX connection_seat ON public.connection USING btree (tenant, seat_day) WHERE (seat_day > 0);

CREATE INDEX connection_token ON public.connection USING btree (tenant, token) WHERE (token <> ''::text);

CREATE INDEX http_used_until ON public.http_used USING btree (until);

CREATE INDEX instance_open_no ON public.instance_open USING btree (instance, no);

CREATE INDEX kept_version_size ON public.kept_version USING btree (tenant, key_id, size);

CREATE UNIQUE INDEX motion_open ON public.motion USING btree (tenant, digest) WHERE (state = 'open'::text);

CREATE INDEX notice_object ON public.notice USING btree (tenant, object) WHERE (kind = 'question'::text);

CREATE INDEX notice_sent ON public.notice USING btree (tenant, channel, sent_at) WHERE (state = 'sent'::text);

CREATE INDEX notice_waiting ON public.notice USING btree (tenant, next_try) WHERE (state = 'waiting'::text);

CREATE INDEX orders_case ON public.orders USING btree (created_at) WHERE (is_case = 1);

CREATE INDEX orders_due ON public.orders USING btree (next_act) WHERE (next_act > 0);

CREATE INDEX orders_made ON public.orders USING btree (created_at, id);

CREATE INDEX orders_state ON public.orders USING btree (state, created_at);

CREATE INDEX payment_order ON public.payment USING btree (order_id, created_at);

CREATE INDEX plan_next ON public.plan USING btree (next_at);

CREATE UNIQUE INDEX policy_name ON public.policy USING btree (tenant, name) WHERE (ended = 0);

CREATE INDEX policy_version_name ON public.policy_version USING btree (tenant, name, version);

CREATE INDEX request_done ON public.request USING btree (created_at) WHERE ((state = ANY (ARRAY['delivered'::text, 'undeliverable'::text])) AND (erased = 0));

CREATE INDEX request_erased ON public.request USING btree (inserted_at) WHERE (erased = 1);

CREATE INDEX request_lost ON public.request USING btree (created_at) WHERE (state = 'undeliverable'::text);

CREATE INDEX request_parked ON public.request USING btree (question) WHERE (state = 'parked'::text);

CREATE INDEX request_ready ON public.request USING btree (publish_until) WHERE (state = 'ready'::text);

CREATE INDEX tenant_moved ON public.tenant USING btree (moved);

CREATE UNIQUE INDEX tenant_order ON public.tenant USING btree (order_id) WHERE (order_id <> ''::text);

CREATE INDEX token_policy ON public.token USING btree (tenant, policy) WHERE ((policy <> ''::text) AND (state = 'open'::text));

CREATE INDEX token_signer ON public.token USING btree (signer);

CREATE UNIQUE INDEX user_key_npub_login ON public.user_key USING btree (pubkey) WHERE (npub_login = 1);
