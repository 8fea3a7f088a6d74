// Generated from the table of commands (internal/admin); do not edit.
// `go test ./internal/admin -update` writes it anew.

export type Role = "viewer" | "approver" | "operator" | "owner";

/** What the table says of a command besides its types. */
export interface Row {
  role: Role;
  /** It needs the admin's signature over the command itself. */
  dangerous: boolean;
  whileSealed: boolean;
  writes: boolean;
  doors: readonly string[];
}

/** Every command with the shapes of its parameters and its result. Times are RFC 3339 texts, durations texts such as "90m". */
export interface Commands {
  /** Names an admin, or gives one another role. A new owner waits 24 hours when there is another. */
  "admin.add": {
    params: {
      npub: string;
      role: Role;
      name?: string;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        added_by: string;
        /** when the role begins */
        active_at: string;
      };
      warnings?: string[];
    };
  };

  /** Lists the admins. */
  "admin.list": {
    params: Record<string, never>;
    result: {
      admins: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        added_by: string;
        /** when the role begins */
        active_at: string;
      }[];
    };
  };

  /** Removes an admin. The last owner cannot be removed. */
  "admin.remove": {
    params: {
      npub: string;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        added_by: string;
        /** when the role begins */
        active_at: string;
      };
      warnings?: string[];
    };
  };

  /** Answers a question: yes once, for this kind, for everything; no, or never. */
  "approval.answer": {
    params: {
      id: string;
      /** the digest that was shown with the question; the answer covers nothing else */
      digest?: string;
      deny?: boolean;
      /** with deny: refuse this kind from now on */
      never?: boolean;
      /** once (the default), kind or all */
      scope?: string;
      /** how long the answer lasts */
      for?: string;
      /** what the connection is called from now on */
      name?: string;
      /** of a login: what the app may do without asking; scope all is all */
      perms?: string;
    };
    result: {
      /** approved or denied */
      state: string;
      grant?: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** digest of the one operation that it answers */
        once?: string;
        /** id of the question that it answers */
        question?: string;
        uses: number;
        max_uses?: number;
        /** it counts now */
        live: boolean;
        expires_at?: string;
        given_by: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Lists the questions that wait for a person, oldest first. */
  "approval.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
      /** pending (the default), approved, denied, expired, withdrawn, or any */
      state?: string;
    };
    result: {
      approvals: {
        id: string;
        /** of the operation that is shown; send it back with the answer */
        digest: string;
        /** who wants what, in words */
        sentence: string;
        /** what is special about the operation */
        caution?: string;
        state: string;
        /** id */
        key: string;
        key_name: string;
        /** id */
        connection: string;
        /** its name here */
        app: string;
        /** the name is the app's own word */
        unverified?: boolean;
        method: string;
        kind?: number;
        /** what the answer "kind" would grant */
        permission: string;
        /** it can be approved one at a time only */
        once_only: boolean;
        operation?: {
          content?: string;
          tags?: string[];
          peer?: string;
          size: number;
          /** the event's created_at */
          dated?: string;
          /** too long to be shown whole */
          cut?: boolean;
          /** permissions that the app asks for */
          requested?: string;
          app_url?: string;
        };
        /** until then the app waits */
        reply_by: string;
        question_until: string;
        answered_by?: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Signs the head of the chain now, and returns the signed checkpoint to be kept elsewhere. */
  "audit.checkpoint": {
    params: Record<string, never>;
    result: {
      /** signed, as JSON; keep it where the bunker cannot reach it */
      checkpoint?: string;
    };
  };

  /** Returns the chain page by page: its lines as stored, to be verified anywhere. */
  "audit.export": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
    };
    result: {
      /** lines of the export, each as it is to be written: a header first, records, checkpoints after theirs */
      lines: string[];
      next?: string;
    };
  };

  /** Lists audit records, newest first, with filters. */
  "audit.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
      since?: string;
      /** exclusive */
      until?: string;
      /** name or id of a key, or a pubkey */
      key?: string;
      /** id, or name when no other connection has it */
      connection?: string;
      /** npub or pubkey of an app */
      client?: string;
      /** local, system, an npub, … */
      principal?: string;
      /** sign_event, key.add, … */
      action?: string;
      /** allow, ask or deny */
      effect?: string;
    };
    result: {
      records: {
        seq: number;
        time: number;
        tenant: string;
        incarnation: string;
        principal: string;
        door?: string;
        action: string;
        step?: string;
        event?: string;
        key?: string;
        connection?: string;
        object?: string;
        effect?: string;
        rule?: string;
        reason?: string;
        kind?: number;
        size?: number;
        peer?: string;
        tags?: string[];
        digest?: string;
        signed?: string;
        count?: number;
      }[];
      next?: string;
    };
  };

  /** Verifies the whole chain against its checkpoints, and against those that you hold. */
  "audit.verify": {
    params: {
      /** signed checkpoints that you kept, as JSON, one a text */
      held?: string[];
    };
    result: {
      whole: boolean;
      records: number;
      head: string;
      /** the chain agrees with checkpoints up to this record */
      up_to: number;
      /** that agree */
      checkpoints: number;
      faults?: string[];
      /** further faults */
      unlisted?: number;
    };
  };

  /** Writes the whole store, encrypted with age, to a new file on the bunker's machine. */
  "backup.create": {
    params: {
      /** a whole path, of a file that does not exist */
      path: string;
      /** opens the backup; at least 12 characters */
      passphrase?: string;
      /** an age recipient (age1…), in place of a passphrase */
      recipient?: string;
    };
    result: {
      file: {
        path: string;
        /** bytes */
        size: number;
        sha256: string;
      };
      warnings?: string[];
    };
  };

  /** Accepts the machine's clock as right after it jumped. */
  "clock.accept": {
    params: Record<string, never>;
    result: Record<string, never>;
  };

  /** Accepts an app's own request, a nostrconnect:// link, and answers it on the app's relays. */
  "connect": {
    params: {
      /** nostrconnect://… */
      uri: string;
      /** name or id */
      key: string;
      /** all, or a list such as sign_event:1,nip44_encrypt; none: everything is asked */
      perms?: string;
      /** what the connection is called (what the app calls itself) */
      name?: string;
      /** whom it is for */
      person?: string;
    };
    result: {
      connection: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      };
      /** what the app asked for; it got only perms */
      requested?: string;
      /** where the app is answered */
      relays: string[];
      warnings?: string[];
    };
  };

  /** Gives a connection permissions, or refuses it some. */
  "connection.grant": {
    params: {
      /** or name, when no other connection has it */
      id: string;
      /** all, or a list such as sign_event:1,nip44_encrypt */
      perms: string;
      /** refuse these, whatever else is granted */
      deny?: boolean;
      /** how long it lasts */
      for?: string;
      /** how often it can be used */
      uses?: number;
    };
    result: {
      grant: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** digest of the one operation that it answers */
        once?: string;
        /** id of the question that it answers */
        question?: string;
        uses: number;
        max_uses?: number;
        /** it counts now */
        live: boolean;
        expires_at?: string;
        given_by: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Lists the connections of apps. */
  "connection.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
      /** of this key only: name or id */
      key?: string;
      /** pending, active, suspended, ended, revoked or expired only */
      state?: string;
    };
    result: {
      connections: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      }[];
      next?: string;
    };
  };

  /** Renames a connection. */
  "connection.rename": {
    params: {
      /** or name, when no other connection has it */
      id: string;
      name: string;
      /** whom it is for; "" for nobody */
      person?: string;
    };
    result: {
      connection: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      };
      warnings?: string[];
    };
  };

  /** Resumes a suspended connection. */
  "connection.resume": {
    params: {
      /** or name, when no other connection has it */
      id: string;
    };
    result: {
      connection: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      };
      warnings?: string[];
    };
  };

  /** Ends the review of connections after a restore: what was resumed may sign again. */
  "connection.review": {
    params: Record<string, never>;
    result: Record<string, never>;
  };

  /** Revokes a connection for good: the app needs a new link. */
  "connection.revoke": {
    params: {
      /** or name, when no other connection has it */
      id: string;
    };
    result: {
      connection: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      };
      warnings?: string[];
    };
  };

  /** Shows one connection with its permissions. */
  "connection.show": {
    params: {
      /** or name, when no other connection has it */
      id: string;
    };
    result: {
      connection: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      };
      grants: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** digest of the one operation that it answers */
        once?: string;
        /** id of the question that it answers */
        question?: string;
        uses: number;
        max_uses?: number;
        /** it counts now */
        live: boolean;
        expires_at?: string;
        given_by: string;
        created_at: string;
      }[];
    };
  };

  /** Suspends a connection: nothing is signed for it until it is resumed. */
  "connection.suspend": {
    params: {
      /** or name, when no other connection has it */
      id: string;
    };
    result: {
      connection: {
        id: string;
        name: string;
        person?: string;
        /** id */
        key: string;
        /** pending, active, suspended, ended, revoked or expired */
        state: string;
        /** the app's pubkey */
        client: string;
        client_npub: string;
        /** the key of ours that it talks with */
        signer: string;
        /** id */
        token?: string;
        /** its own; none: the bunker's */
        relays?: string[];
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
      };
      warnings?: string[];
    };
  };

  /** Takes a permission of a connection back. */
  "connection.ungrant": {
    params: {
      /** or name, when no other connection has it */
      id: string;
      /** id of the grant */
      grant: string;
    };
    result: {
      grant: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** digest of the one operation that it answers */
        once?: string;
        /** id of the question that it answers */
        question?: string;
        uses: number;
        max_uses?: number;
        /** it counts now */
        live: boolean;
        expires_at?: string;
        given_by: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Checks the whole store while it runs: file, rows, audit chain; and lists what was not delivered. */
  "instance.check": {
    params: Record<string, never>;
    result: {
      sound: boolean;
      /** of the database file */
      damage?: string[];
      /** rows that were changed from outside */
      tampered?: string[];
      /** sealed: no row could be verified */
      unverified?: boolean;
      audit: {
        whole: boolean;
        records: number;
        head: string;
        /** the chain agrees with checkpoints up to this record */
        up_to: number;
        /** that agree */
        checkpoints: number;
        faults?: string[];
        /** further faults */
        unlisted?: number;
      };
      /** replies that no relay took within ten minutes */
      undelivered?: {
        event: string;
        connection: string;
        method: string;
        since: string;
        /** too old to be sent any more */
        erased?: boolean;
      }[];
      /** keys that are not locked and cannot sign */
      not_in_memory?: string[];
      /** slots that open the bunker without a person */
      unattended?: string[];
      clock: {
        ledger: string;
        suspect: boolean;
        behind: boolean;
        why?: string;
      };
      memory: {
        /** bytes */
        used: number;
        /** bytes */
        size: number;
        /** no: secrets could be written to swap */
        locked: boolean;
      };
    };
  };

  /** Makes a new key. */
  "key.add": {
    params: {
      /** letters, digits, dots, hyphens, underscores; unique */
      name: string;
      /** a second passphrase for this key alone; at least 12 characters */
      passphrase?: string;
      /** the key can never leave, for ever */
      no_export?: boolean;
      /** ask or deny: what happens to what no permission covers (the bunker's default) */
      default?: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Deletes a key after a waiting period, in which it signs nothing and can be brought back. */
  "key.delete": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Exports a key as ncryptsec (NIP-49), closed with a password. */
  "key.export": {
    params: {
      /** name or id */
      key: string;
      /** closes the export; at least 12 characters */
      password: string;
      /** the key's own, where it has one */
      passphrase?: string;
    };
    result: {
      name: string;
      npub: string;
      ncryptsec: string;
    };
  };

  /** Takes in a key: nsec, ncryptsec (NIP-49), recovery phrase (NIP-06) or hex. */
  "key.import": {
    params: {
      /** letters, digits, dots, hyphens, underscores; unique */
      name: string;
      /** a second passphrase for this key alone; at least 12 characters */
      passphrase?: string;
      /** the key can never leave, for ever */
      no_export?: boolean;
      /** ask or deny: what happens to what no permission covers (the bunker's default) */
      default?: string;
      /** nsec1…, ncryptsec1…, 12 to 24 words, or 64 hex digits */
      secret: string;
      /** of an ncryptsec; or the recovery phrase's own passphrase */
      password?: string;
      /** of a recovery phrase: m/44'/1237'/account'/0/0 */
      account?: number;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Lists the keys. */
  "key.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
    };
    result: {
      keys: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Locks a key: wipes it from memory. It signs nothing until it is unlocked, also after a restart. */
  "key.lock": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Forbids to export a key, for ever: nobody can take it back. */
  "key.no_export": {
    params: {
      /** name or id */
      key: string;
      /** the key's own, where it has one */
      passphrase?: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Takes a key's own passphrase away. */
  "key.passphrase.remove": {
    params: {
      /** name or id */
      key: string;
      /** the key's own, where it has one */
      passphrase?: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Gives a key a passphrase of its own, over the bunker's, or changes it. */
  "key.passphrase.set": {
    params: {
      /** name or id */
      key: string;
      /** at least 12 characters */
      new: string;
      /** the present one, where it has one */
      passphrase?: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Deletes for good the keys whose waiting period is over. */
  "key.purge": {
    params: Record<string, never>;
    result: {
      /** names */
      deleted: string[];
    };
  };

  /** Renames a key. */
  "key.rename": {
    params: {
      /** name or id */
      key: string;
      /** the new one */
      name: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Brings a key back that waits to be deleted. */
  "key.restore": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Changes how a key answers: login by its npub, and the default for what no permission covers. */
  "key.set": {
    params: {
      /** name or id */
      key: string;
      /** apps may log in with the bare npub: weaker, for old apps */
      npub_login?: boolean;
      /** ask or deny */
      default?: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Shows one key. */
  "key.show": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Unlocks a key. */
  "key.unlock": {
    params: {
      /** name or id */
      key: string;
      /** the key's own, where it has one */
      passphrase?: string;
    };
    result: {
      key: {
        id: string;
        name: string;
        npub: string;
        pubkey: string;
        /** active or deleting */
        state: string;
        /** by somebody; a restart does not undo it */
        locked: boolean;
        /** in memory: it can sign */
        unlocked: boolean;
        no_export: boolean;
        own_passphrase: boolean;
        npub_login: boolean;
        /** its npub is an admin of this bunker */
        admin_here: boolean;
        default: string;
        delete_at?: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Exports every key that allows it, closed with a password, and says which do not and why. */
  "leave": {
    params: {
      /** closes the exports; at least 12 characters */
      password: string;
      /** where to go on: the next of the answer before */
      after?: string;
    };
    result: {
      keys: {
        name: string;
        npub: string;
        ncryptsec?: string;
        /** why it is not exported */
        reason?: string;
      }[];
      next?: string;
    };
  };

  /** Changes the bunker's passphrase. */
  "passphrase.change": {
    params: {
      /** at least 12 characters */
      new: string;
      /** which passphrase, where there are several */
      slot?: string;
    };
    result: {
      slot: {
        id: string;
        name: string;
        /** passphrase, file, credential or command */
        kind: string;
        /** opens without a person */
        unattended: boolean;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Adds a relay for apps. Connected apps learn of it when they ask (switch_relays). */
  "relay.add": {
    params: {
      /** wss://… */
      url: string;
    };
    result: {
      relay: {
        url: string;
        /** used, old, or own: the relay that the bunker itself runs, which links name */
        state: string;
        /** of an old one */
        heard_until?: string;
        /** connections that have not switched away from it */
        waiting?: number;
        health?: {
          url: string;
          /** up, connecting, waiting, embedded, … */
          state: string;
          /** the last thing that went wrong */
          error?: string;
          latency_ms?: number;
        };
      };
      warnings?: string[];
    };
  };

  /** Lists the relays that apps use, the bunker's own with them, and the old ones that are still heard. */
  "relay.list": {
    params: Record<string, never>;
    result: {
      relays: {
        url: string;
        /** used, old, or own: the relay that the bunker itself runs, which links name */
        state: string;
        /** of an old one */
        heard_until?: string;
        /** connections that have not switched away from it */
        waiting?: number;
        health?: {
          url: string;
          /** up, connecting, waiting, embedded, … */
          state: string;
          /** the last thing that went wrong */
          error?: string;
          latency_ms?: number;
        };
      }[];
      warnings?: string[];
    };
  };

  /** Stops hearing old relays whose time is over, or that no connection needs. */
  "relay.purge": {
    params: Record<string, never>;
    result: {
      removed: string[];
    };
  };

  /** Removes a relay. It is still heard for 90 days, or until every connection has switched. */
  "relay.remove": {
    params: {
      /** wss://… */
      url: string;
    };
    result: {
      relay: {
        url: string;
        /** used, old, or own: the relay that the bunker itself runs, which links name */
        state: string;
        /** of an old one */
        heard_until?: string;
        /** connections that have not switched away from it */
        waiting?: number;
        health?: {
          url: string;
          /** up, connecting, waiting, embedded, … */
          state: string;
          /** the last thing that went wrong */
          error?: string;
          latency_ms?: number;
        };
      };
      warnings?: string[];
    };
  };

  /** Wipes the root key and every user key from memory; apps are told that the bunker is sealed. */
  "seal": {
    params: Record<string, never>;
    result: {
      warnings?: string[];
    };
  };

  /** Sets the bunker up: root key, passphrase, first owner, relays. Once. */
  "setup": {
    params: {
      /** opens the bunker after each start; at least 12 characters */
      passphrase: string;
      /** owners unless a role is given; none: those given at start */
      admins?: {
        npub: string;
        /** owner */
        role?: Role;
        name?: string;
      }[];
      /** where apps find the bunker; none: those given at start, else this machine only */
      relays?: string[];
      /** ask or deny: what new keys do with what no permission covers (ask) */
      default?: string;
      /** the setup code, from other doors than this machine's */
      code?: string;
    };
    result: {
      connection_string?: string;
      relays: string[];
      /** id of the passphrase's key slot */
      slot: string;
      warnings?: string[];
    };
  };

  /** Adds a way to open the bunker: another passphrase, a key file, a systemd credential, a command. */
  "slot.add": {
    params: {
      /** passphrase, file, credential or command */
      kind: string;
      name: string;
      /** of kind passphrase; at least 12 characters */
      passphrase?: string;
      /** of kind file: a whole path; the file has at least 32 random bytes and mode 0600 */
      path?: string;
      /** of kind credential: its name in the systemd unit */
      credential?: string;
      /** of kind command: its name in the configuration */
      command?: string;
    };
    result: {
      slot: {
        id: string;
        name: string;
        /** passphrase, file, credential or command */
        kind: string;
        /** opens without a person */
        unattended: boolean;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Lists the ways to open the bunker. */
  "slot.list": {
    params: Record<string, never>;
    result: {
      slots: {
        id: string;
        name: string;
        /** passphrase, file, credential or command */
        kind: string;
        /** opens without a person */
        unattended: boolean;
        created_at: string;
      }[];
    };
  };

  /** Removes a way to open the bunker. The last passphrase cannot be removed. */
  "slot.remove": {
    params: {
      /** id or name */
      slot: string;
    };
    result: {
      slot: {
        id: string;
        name: string;
        /** passphrase, file, credential or command */
        kind: string;
        /** opens without a person */
        unattended: boolean;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Shows how the bunker does: state, keys, connections, questions, relays, clock, log. */
  "status": {
    params: Record<string, never>;
    result: {
      version: string;
      /** the secp256k1 library */
      backend: string;
      started: string;
      /** not set up, sealed, unsealed or stopped */
      state: string;
      /** no after a restore, until an owner has reviewed the connections */
      reviewed: boolean;
      incarnation: string;
      incarnation_no: number;
      keys: {
        all: number;
        /** in memory */
        unlocked: number;
        locked: number;
        deleting: number;
      };
      /** by state */
      connections: Record<string, number>;
      /** open ones */
      tokens: number;
      /** open ones */
      questions: number;
      unreleased: {
        /** signed and recorded, not yet taken by a relay */
        waiting: number;
        /** given up after 10 minutes; the bytes are kept */
        undeliverable: number;
      };
      relays: {
        url: string;
        /** up, connecting, waiting, embedded, … */
        state: string;
        /** the last thing that went wrong */
        error?: string;
        latency_ms?: number;
      }[];
      /** what apps are told to use */
      app_relays: string[];
      /** not while sealed */
      admins?: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        added_by: string;
        /** when the role begins */
        active_at: string;
      }[];
      connection_string?: string;
      clock: {
        ledger: string;
        suspect: boolean;
        behind: boolean;
        why?: string;
      };
      audit: {
        seq: number;
        head: string;
        /** number of the last record that a signed checkpoint covers */
        checkpoint: number;
      };
      last_backup?: string;
      memory: {
        /** bytes */
        used: number;
        /** bytes */
        size: number;
        /** no: secrets could be written to swap */
        locked: boolean;
      };
      warnings?: string[];
    };
  };

  /** Stops everything: locks every key, suspends every connection. Works while sealed, too. */
  "stop": {
    params: Record<string, never>;
    result: Record<string, never>;
  };

  /** Ends a stop. Keys stay locked and connections suspended until they are brought back one by one. */
  "stop.end": {
    params: Record<string, never>;
    result: Record<string, never>;
  };

  /** Makes a bunker:// link that lets one app in, with the permissions given. It is shown once. */
  "token.create": {
    params: {
      /** name or id */
      key: string;
      /** what the connection will be called */
      client: string;
      /** whom it is for */
      person?: string;
      /** all, or a list such as sign_event:1,nip44_encrypt; none: everything is asked */
      perms?: string;
      /** how often it can be redeemed (1) */
      uses?: number;
      /** how long the link can be used */
      expires?: string;
      /** how long the permissions last after it was used */
      grant_for?: string;
    };
    result: {
      id: string;
      /** the bunker:// link; it is not shown again */
      uri: string;
      /** npub#token, for old apps, when the key's npub login is on */
      npub_token?: string;
      key: string;
      perms: string;
      relays: string[];
      expires_at?: string;
      warnings?: string[];
    };
  };

  /** Lists the tokens, without their secrets. */
  "token.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
      /** of this key only: name or id */
      key?: string;
      /** only those that can be used now */
      open?: boolean;
    };
    result: {
      tokens: {
        id: string;
        /** id */
        key: string;
        client: string;
        person?: string;
        perms: string;
        /** open, spent, revoked or expired */
        state: string;
        uses: number;
        max_uses: number;
        expires_at?: string;
        grant_for?: string;
        created_by: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Takes a token back. Connections that were made with it stay; revoke those by themselves. */
  "token.revoke": {
    params: {
      id: string;
    };
    result: {
      token: {
        id: string;
        /** id */
        key: string;
        client: string;
        person?: string;
        perms: string;
        /** open, spent, revoked or expired */
        state: string;
        uses: number;
        max_uses: number;
        expires_at?: string;
        grant_for?: string;
        created_by: string;
        created_at: string;
      };
    };
  };

  /** Opens the bunker with its passphrase, or with a key slot that needs no person. */
  "unseal": {
    params: {
      passphrase?: string;
      /** id or name of a slot of kind file, credential or command (owner) */
      slot?: string;
    };
    result: {
      /** name of the slot that opened */
      slot: string;
      /** keys that can sign now */
      unlocked: number;
      /** keys with a passphrase of their own, to be unlocked one by one */
      waiting?: string[];
      /** keys that were locked and stay so */
      locked?: string[];
      warnings?: string[];
    };
  };
}

export const commands = {
  "admin.add": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "admin.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "admin.remove": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "approval.answer": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "approval.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "audit.checkpoint": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "system"] },
  "audit.export": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "audit.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "audit.verify": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "backup.create": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "clock.accept": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "connect": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.grant": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "connection.rename": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.resume": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.review": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.revoke": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "connection.suspend": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "connection.ungrant": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "instance.check": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "system"] },
  "key.add": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "key.delete": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "key.export": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "key.import": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "key.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "key.lock": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "key.no_export": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "key.passphrase.remove": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "key.passphrase.set": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "key.purge": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["system"] },
  "key.rename": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "key.restore": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "key.set": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "key.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "key.unlock": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "leave": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "passphrase.change": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "relay.add": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "relay.list": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket"] },
  "relay.purge": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["system"] },
  "relay.remove": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "seal": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "system"] },
  "setup": { role: "owner", dangerous: false, whileSealed: true, writes: true, doors: ["socket", "system"] },
  "slot.add": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "slot.list": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket"] },
  "slot.remove": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "status": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "system"] },
  "stop": { role: "approver", dangerous: false, whileSealed: true, writes: true, doors: ["socket"] },
  "stop.end": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "token.create": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "token.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket"] },
  "token.revoke": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "unseal": { role: "viewer", dangerous: false, whileSealed: true, writes: true, doors: ["socket", "system"] },
} as const satisfies Record<keyof Commands, Row>;
