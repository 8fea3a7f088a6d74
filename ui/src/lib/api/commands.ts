// Generated from the table of commands (internal/admin); do not edit.
// `go test ./internal/admin -update` writes it anew.

export type Role = "viewer" | "approver" | "operator" | "owner";

/** What the table says of a command besides its types. */
export interface Row {
  role: Role | "none";
  /** It needs the admin's signature over the command itself. */
  dangerous: boolean;
  whileSealed: boolean;
  writes: boolean;
  doors: readonly string[];
}

/** Every command with the shapes of its parameters and its result. Times are RFC 3339 texts, durations texts such as "90m". */
export interface Commands {
  /** Accepts an invitation: whoever proved his npub becomes the admin that it names. */
  "admin.accept": {
    params: {
      /** the code of the link; none where the npub itself was invited */
      invite?: string;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
      };
      warnings?: string[];
    };
  };

  /** Names an admin, or gives one another role. A new owner waits 24 hours when there is another. */
  "admin.add": {
    params: {
      npub: string;
      role: Role;
      name?: string;
      /** names or ids: the role is for these keys only; none: the whole bunker */
      keys?: string[];
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
      };
      warnings?: string[];
    };
  };

  /** Invites somebody to be an admin: by a link with a secret that is shown once, or by npub. */
  "admin.invite": {
    params: {
      role: Role;
      /** names or ids: the role is for these keys only; none: the whole bunker */
      keys?: string[];
      /** of the person */
      name?: string;
      /** who alone can accept it, without a secret; none: whoever has the link, once */
      npub?: string;
      /** how long it can be accepted (7d, at most 30d) */
      expires?: string;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      invite: {
        id: string;
        role: Role;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        name?: string;
        /** npub that alone can accept it */
        for?: string;
        /** open, accepted, revoked, expired, or void: who invited is no owner any more */
        state: string;
        invited_by: string;
        /** npub */
        accepted_by?: string;
        accepted_at?: string;
        expires_at: string;
        created_at: string;
      };
      /** what the person opens the admin app with; holds the secret, and is not shown again */
      link: string;
      /** the secret part of the link alone */
      code?: string;
      warnings?: string[];
    };
  };

  /** Lists the invitations: who was invited by whom, and what became of it. */
  "admin.invites": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
    };
    result: {
      invites: {
        id: string;
        role: Role;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        name?: string;
        /** npub that alone can accept it */
        for?: string;
        /** open, accepted, revoked, expired, or void: who invited is no owner any more */
        state: string;
        invited_by: string;
        /** npub */
        accepted_by?: string;
        accepted_at?: string;
        expires_at: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Lets an admin use the first nsecBunker's admin protocol until a time, or not any more: it reads, revokes and answers, with the npub alone and no device. */
  "admin.legacy": {
    params: {
      npub: string;
      /** how long, at most 90 days; this or off */
      for?: string;
      /** not any more */
      off?: boolean;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
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
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
      }[];
    };
  };

  /** Removes an admin. The last owner cannot be removed. */
  "admin.remove": {
    params: {
      npub: string;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
      };
      warnings?: string[];
    };
  };

  /** Lets an admin's scripts send commands over HTTP, each signed by the npub (NIP-98), or not any more. Dangerous ones are refused there. */
  "admin.script": {
    params: {
      npub: string;
      /** not any more */
      off?: boolean;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      admin: {
        npub: string;
        pubkey: string;
        role: Role;
        name?: string;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
      };
      warnings?: string[];
    };
  };

  /** Says who you are to the bunker: your role, and the keys that it is for. */
  "admin.self": {
    params: Record<string, never>;
    result: {
      /** an npub, or local */
      name: string;
      role: Role;
      /** ids: the role is for these keys only; none: the whole bunker */
      keys?: string[];
      device?: string;
    };
  };

  /** Takes an invitation back that was not accepted yet. */
  "admin.uninvite": {
    params: {
      id: string;
    };
    result: {
      invite: {
        id: string;
        role: Role;
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        name?: string;
        /** npub that alone can accept it */
        for?: string;
        /** open, accepted, revoked, expired, or void: who invited is no owner any more */
        state: string;
        invited_by: string;
        /** npub */
        accepted_by?: string;
        accepted_at?: string;
        expires_at: string;
        created_at: string;
      };
    };
  };

  /** Answers a question: yes once, for this kind, for everything; no, or never. */
  "approval.answer": {
    params: {
      id: string;
      /** the digest that was shown with the question; a yes needs it and covers nothing else */
      digest?: string;
      deny?: boolean;
      /** with deny: refuse it from now on, as far as scope says (kind by default) */
      never?: boolean;
      /** once (the default), kind, kinds (signatures of every kind), method, or all */
      scope?: string;
      /** how long the answer lasts */
      for?: string;
      /** when the answer ends, instead of for */
      until?: string;
      /** how often a yes is good for; none: any number of times */
      uses?: number;
      /** what the connection is called from now on */
      name?: string;
      /** of a login: what the app may do without asking; scope all is all */
      perms?: string;
      /** of a login: name or id of a policy to put the app under, instead of perms */
      policy?: string;
    };
    result: {
      /** approved or denied */
      state: string;
      grant?: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** name of the policy that it puts the connection under */
        policy?: string;
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

  /** Lists the questions that people answered, the latest answer first. */
  "approval.answered": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
    };
    result: {
      approvals: {
        id: string;
        /** the first question of the burst that this one belongs to: same app, method and kind */
        batch: string;
        /** of the operation that is shown; send it back with the answer */
        digest: string;
        /** who wants what, in words */
        sentence: string;
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
        /** what is known of the app */
        asker?: {
          /** the app's own key */
          npub: string;
          /** what the app calls itself; nobody verified it */
          claims?: string;
          /** what it says its page is; nobody verified it */
          url?: string;
          first_seen: string;
          last_used?: string;
          uses: number;
          /** of a login: which other app it could be taken for */
          alike?: string;
        };
        method: string;
        kind?: number;
        /** what the answer "kind" would grant */
        permission: string;
        /** how far a lasting yes goes that is easily taken for narrower: on every website, … */
        reach?: string;
        /** why it is asked */
        why: string;
        /** it can be approved one at a time only */
        once_only: boolean;
        /** of a login: the permissions that the app asks for, as perms takes them */
        requested?: string;
        /** the operation as a person reads it; absent when it cannot be opened */
        card?: {
          does: string;
          kind?: string;
          /** what would be published or encrypted */
          text?: string;
          /** what the text is, in a word or two */
          text_is?: string;
          /** the text is longer; approval.show has all of it */
          text_cut?: boolean;
          /** bytes of content, or of the text to encrypt or decrypt */
          size?: number;
          facts?: {
            name: string;
            value: string;
          }[];
          /** how many more there are; approval.show has all of them */
          facts_left?: number;
          /** who is mentioned, or the other party */
          people?: {
            npub: string;
            /** what they are called here; nobody known here without it */
            name?: string;
            /** key, admin or app */
            is?: string;
            /** recipient, mentioned, author, … */
            as?: string;
          }[];
          /** how many more are mentioned */
          people_left?: number;
          /** what it changes against the last version signed here */
          changes?: {
            /** in a sentence */
            words: string;
            /** no version before is known here */
            first?: boolean;
            /** id of the event that it is compared with */
            base?: string;
            /** entries of the version before; of a profile its fields */
            before: number;
            /** entries of this one */
            after: number;
            removed?: number;
            added?: number;
            /** entries with another rest than before */
            changed?: number;
            /** the first of those that are removed, in words */
            removed_list?: string[];
            /** the first of those that are added, in words */
            added_list?: string[];
            /** what becomes of the fields of a profile */
            fields?: {
              name: string;
              /** in the version before; missing: it is new */
              was?: string;
              /** in this one; missing: it goes */
              is?: string;
            }[];
          };
          /** why the guard asks: what a replaceable event would lose */
          guard?: string;
          /** what to look at before saying yes */
          warnings?: string[];
          /** too large to be kept whole: what is shown is not all */
          cut?: boolean;
        };
        /** until then the app waits */
        reply_by: string;
        question_until: string;
        /** who answered: local, or an npub */
        answered_by?: string;
        /** the admin's name */
        answerer?: string;
        answered_at?: string;
        /** what the answer gave or refused */
        grant?: {
          id: string;
          /** allow or deny */
          effect: string;
          perms?: string;
          /** name of the policy that it puts the connection under */
          policy?: string;
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
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Answers several questions together, such as those of one burst, each as it was shown. */
  "approval.batch": {
    params: {
      /** each with the digest that was shown with it */
      questions: {
        id: string;
        /** the digest that was shown with it */
        digest?: string;
      }[];
      deny?: boolean;
      /** with deny: refuse it from now on, as far as scope says (kind by default) */
      never?: boolean;
      /** once (the default), kind, kinds (signatures of every kind), method, or all */
      scope?: string;
      /** how long the answer lasts */
      for?: string;
      /** when the answer ends, instead of for */
      until?: string;
      /** how often a yes is good for; none: any number of times */
      uses?: number;
      /** what the connection is called from now on */
      name?: string;
      /** of a login: what the app may do without asking; scope all is all */
      perms?: string;
      /** of a login: name or id of a policy to put the app under, instead of perms */
      policy?: string;
    };
    result: {
      /** approved or denied */
      state: string;
      /** how many questions were answered */
      answered: number;
      grants?: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** name of the policy that it puts the connection under */
        policy?: string;
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
        /** the first question of the burst that this one belongs to: same app, method and kind */
        batch: string;
        /** of the operation that is shown; send it back with the answer */
        digest: string;
        /** who wants what, in words */
        sentence: string;
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
        /** what is known of the app */
        asker?: {
          /** the app's own key */
          npub: string;
          /** what the app calls itself; nobody verified it */
          claims?: string;
          /** what it says its page is; nobody verified it */
          url?: string;
          first_seen: string;
          last_used?: string;
          uses: number;
          /** of a login: which other app it could be taken for */
          alike?: string;
        };
        method: string;
        kind?: number;
        /** what the answer "kind" would grant */
        permission: string;
        /** how far a lasting yes goes that is easily taken for narrower: on every website, … */
        reach?: string;
        /** why it is asked */
        why: string;
        /** it can be approved one at a time only */
        once_only: boolean;
        /** of a login: the permissions that the app asks for, as perms takes them */
        requested?: string;
        /** the operation as a person reads it; absent when it cannot be opened */
        card?: {
          does: string;
          kind?: string;
          /** what would be published or encrypted */
          text?: string;
          /** what the text is, in a word or two */
          text_is?: string;
          /** the text is longer; approval.show has all of it */
          text_cut?: boolean;
          /** bytes of content, or of the text to encrypt or decrypt */
          size?: number;
          facts?: {
            name: string;
            value: string;
          }[];
          /** how many more there are; approval.show has all of them */
          facts_left?: number;
          /** who is mentioned, or the other party */
          people?: {
            npub: string;
            /** what they are called here; nobody known here without it */
            name?: string;
            /** key, admin or app */
            is?: string;
            /** recipient, mentioned, author, … */
            as?: string;
          }[];
          /** how many more are mentioned */
          people_left?: number;
          /** what it changes against the last version signed here */
          changes?: {
            /** in a sentence */
            words: string;
            /** no version before is known here */
            first?: boolean;
            /** id of the event that it is compared with */
            base?: string;
            /** entries of the version before; of a profile its fields */
            before: number;
            /** entries of this one */
            after: number;
            removed?: number;
            added?: number;
            /** entries with another rest than before */
            changed?: number;
            /** the first of those that are removed, in words */
            removed_list?: string[];
            /** the first of those that are added, in words */
            added_list?: string[];
            /** what becomes of the fields of a profile */
            fields?: {
              name: string;
              /** in the version before; missing: it is new */
              was?: string;
              /** in this one; missing: it goes */
              is?: string;
            }[];
          };
          /** why the guard asks: what a replaceable event would lose */
          guard?: string;
          /** what to look at before saying yes */
          warnings?: string[];
          /** too large to be kept whole: what is shown is not all */
          cut?: boolean;
        };
        /** until then the app waits */
        reply_by: string;
        question_until: string;
        /** who answered: local, or an npub */
        answered_by?: string;
        /** the admin's name */
        answerer?: string;
        answered_at?: string;
        /** what the answer gave or refused */
        grant?: {
          id: string;
          /** allow or deny */
          effect: string;
          perms?: string;
          /** name of the policy that it puts the connection under */
          policy?: string;
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
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Sets how long apps wait for an answer, and how long questions stay open: for all keys, or for one. */
  "approval.set": {
    params: {
      /** for this key only: name or id */
      key?: string;
      /** how long an app waits for its answer: 5s to 60s */
      reply?: string;
      /** how long a question can be answered: 1m to 30d; those about credentials always 60s */
      question?: string;
      /** back to what holds for all keys, or to the built-in times */
      reset?: boolean;
    };
    result: {
      /** how long an app waits for its answer */
      reply: string;
      /** how long a question can be answered */
      question: string;
      /** keys with times of their own */
      keys?: {
        /** id */
        key: string;
        name: string;
        reply: string;
        question: string;
      }[];
      /** where logins of unknown apps are expected now */
      expected?: {
        /** name; every key without it */
        key?: string;
        until: string;
      }[];
    };
  };

  /** Shows how long apps wait for an answer, and how long questions stay open. */
  "approval.settings": {
    params: Record<string, never>;
    result: {
      /** how long an app waits for its answer */
      reply: string;
      /** how long a question can be answered */
      question: string;
      /** keys with times of their own */
      keys?: {
        /** id */
        key: string;
        name: string;
        reply: string;
        question: string;
      }[];
      /** where logins of unknown apps are expected now */
      expected?: {
        /** name; every key without it */
        key?: string;
        until: string;
      }[];
    };
  };

  /** Shows one question with everything that would be signed. */
  "approval.show": {
    params: {
      id: string;
    };
    result: {
      approval: {
        id: string;
        /** the first question of the burst that this one belongs to: same app, method and kind */
        batch: string;
        /** of the operation that is shown; send it back with the answer */
        digest: string;
        /** who wants what, in words */
        sentence: string;
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
        /** what is known of the app */
        asker?: {
          /** the app's own key */
          npub: string;
          /** what the app calls itself; nobody verified it */
          claims?: string;
          /** what it says its page is; nobody verified it */
          url?: string;
          first_seen: string;
          last_used?: string;
          uses: number;
          /** of a login: which other app it could be taken for */
          alike?: string;
        };
        method: string;
        kind?: number;
        /** what the answer "kind" would grant */
        permission: string;
        /** how far a lasting yes goes that is easily taken for narrower: on every website, … */
        reach?: string;
        /** why it is asked */
        why: string;
        /** it can be approved one at a time only */
        once_only: boolean;
        /** of a login: the permissions that the app asks for, as perms takes them */
        requested?: string;
        /** the operation as a person reads it; absent when it cannot be opened */
        card?: {
          does: string;
          kind?: string;
          /** what would be published or encrypted */
          text?: string;
          /** what the text is, in a word or two */
          text_is?: string;
          /** the text is longer; approval.show has all of it */
          text_cut?: boolean;
          /** bytes of content, or of the text to encrypt or decrypt */
          size?: number;
          facts?: {
            name: string;
            value: string;
          }[];
          /** how many more there are; approval.show has all of them */
          facts_left?: number;
          /** who is mentioned, or the other party */
          people?: {
            npub: string;
            /** what they are called here; nobody known here without it */
            name?: string;
            /** key, admin or app */
            is?: string;
            /** recipient, mentioned, author, … */
            as?: string;
          }[];
          /** how many more are mentioned */
          people_left?: number;
          /** what it changes against the last version signed here */
          changes?: {
            /** in a sentence */
            words: string;
            /** no version before is known here */
            first?: boolean;
            /** id of the event that it is compared with */
            base?: string;
            /** entries of the version before; of a profile its fields */
            before: number;
            /** entries of this one */
            after: number;
            removed?: number;
            added?: number;
            /** entries with another rest than before */
            changed?: number;
            /** the first of those that are removed, in words */
            removed_list?: string[];
            /** the first of those that are added, in words */
            added_list?: string[];
            /** what becomes of the fields of a profile */
            fields?: {
              name: string;
              /** in the version before; missing: it is new */
              was?: string;
              /** in this one; missing: it goes */
              is?: string;
            }[];
          };
          /** why the guard asks: what a replaceable event would lose */
          guard?: string;
          /** what to look at before saying yes */
          warnings?: string[];
          /** too large to be kept whole: what is shown is not all */
          cut?: boolean;
        };
        /** until then the app waits */
        reply_by: string;
        question_until: string;
        /** who answered: local, or an npub */
        answered_by?: string;
        /** the admin's name */
        answerer?: string;
        answered_at?: string;
        /** what the answer gave or refused */
        grant?: {
          id: string;
          /** allow or deny */
          effect: string;
          perms?: string;
          /** name of the policy that it puts the connection under */
          policy?: string;
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
        created_at: string;
      };
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

  /** Counts what apps asked and what became of it, by day and by app: for charts. It counts records as audit.list lists them, with the same filters. */
  "audit.count": {
    params: {
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
      /** whom the connection is for: the name */
      person?: string;
      /** sign_event, key.add, … */
      action?: string;
      /** allow, ask or deny */
      effect?: string;
      /** ids of connections: these are counted, and no other; at most 64 */
      apps?: string[];
      /** how many days, until ends the last (14, at most 92) */
      days?: number;
      /** time zone in which days begin, such as Europe/Paris (UTC) */
      zone?: string;
    };
    result: {
      /** the oldest first, days without a record, too */
      days: {
        /** when it begins */
        at: string;
        allow: number;
        ask: number;
        deny: number;
        /** of those allowed, that made a signed event */
        signed: number;
      }[];
      /** the busiest first, at most 100 */
      apps: {
        /** id */
        connection: string;
        count: number;
        /** of each day */
        days: number[];
        /** of each day */
        signed: number[];
      }[];
      /** apps that are not named */
      others?: number;
      /** records that were looked at */
      looked: number;
      /** there are more; only the last ones were counted */
      cut?: boolean;
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
      /** whom the connection is for: the name */
      person?: string;
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
        person?: string;
        object?: string;
        effect?: string;
        rule?: string;
        reason?: string;
        needed?: string;
        kind?: number;
        size?: number;
        peer?: string;
        tags?: string[];
        skew?: number;
        result?: string;
        relay?: string;
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

  /** Returns a hosted bunker as one sealed file, with which another instance takes it in: keys, links, apps, policies, log and settings. */
  "backup.export": {
    params: {
      /** opens the file; at least 12 characters */
      password: string;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      /** base64 */
      file: number[];
      /** bytes */
      size: number;
      sha256: string;
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
      /** name or id of a policy to put the app under; perms are beside it */
      policy?: string;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
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
      perms?: string;
      /** name or id of a policy to put the connection under, instead of perms */
      policy?: string;
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
        /** name of the policy that it puts the connection under */
        policy?: string;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
      }[];
      next?: string;
    };
  };

  /** Says whom a connection is for. */
  "connection.person": {
    params: {
      /** or name, when no other connection has it */
      id: string;
      /** whom it is for; "" for nobody */
      person: string;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
      };
      warnings?: string[];
    };
  };

  /** Gives a connection other permissions in place of those that it has. */
  "connection.regrant": {
    params: {
      /** or name, when no other connection has it */
      id: string;
      /** all, or a list such as sign_event:1,nip44_encrypt; "": none, everything is asked */
      perms?: string;
      /** name or id of a policy to put the connection under */
      policy?: string;
      /** id: what this link gives, in place of perms and policy */
      token?: string;
      /** how long it lasts (as the link says) */
      for?: string;
      /** what was refused for good ends, too */
      refusals?: boolean;
    };
    result: {
      /** permissions that it had before */
      ended: number;
      grants: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** name of the policy that it puts the connection under */
        policy?: string;
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
      warnings?: string[];
    };
  };

  /** Says which relays an app is told to use when it asks (switch_relays). */
  "connection.relays": {
    params: {
      /** or name, when no other connection has it */
      id: string;
      /** wss:// addresses; none: the bunker's own list again */
      relays?: string[];
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
      };
      warnings?: string[];
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
      };
      grants: {
        id: string;
        /** allow or deny */
        effect: string;
        perms?: string;
        /** name of the policy that it puts the connection under */
        policy?: string;
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
      /** how long; then it is active again by itself (until it is resumed) */
      for?: string;
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
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
        /** name of the policy that it puts the connection under */
        policy?: string;
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

  /** Records that an older copy of this bunker was heard, once for each of its lives. */
  "copy.older": {
    params: {
      /** the announcement's name */
      said: string;
      /** number of the copy's incarnation */
      life: number;
      incarnation: string;
      /** the process that said it */
      instance: string;
      /** unix ms */
      at: number;
    };
    result: Record<string, never>;
  };

  /** Stops everything, as another copy of this bunker was heard that is as new or newer. */
  "copy.stop": {
    params: {
      /** the announcement's name */
      said: string;
      /** number of the copy's incarnation */
      life: number;
      incarnation: string;
      /** the process that said it */
      instance: string;
      /** unix ms */
      at: number;
    };
    result: {
      warnings?: string[];
    };
  };

  /** Confirms the device that shows a code: your own, and for an owner anybody's. */
  "device.confirm": {
    params: {
      /** the six that the device shows */
      digits: string;
    };
    result: {
      device: {
        id: string;
        /** its own words */
        label: string;
        /** an npub, or local */
        person: string;
        /** waiting, confirmed, revoked or expired */
        state: string;
        /** the most that it may do */
        role: Role;
        /** by a link: it needs no certificate */
        paired?: boolean;
        /** what a waiting device shows */
        code?: string;
        last_login?: string;
        expires_at?: string;
        confirmed_by?: string;
        created_at: string;
      };
    };
  };

  /** Lists the devices that may log in from afar, and those that ask to: your own, and for an owner everybody's. */
  "device.list": {
    params: Record<string, never>;
    result: {
      devices: {
        id: string;
        /** its own words */
        label: string;
        /** an npub, or local */
        person: string;
        /** waiting, confirmed, revoked or expired */
        state: string;
        /** the most that it may do */
        role: Role;
        /** by a link: it needs no certificate */
        paired?: boolean;
        /** what a waiting device shows */
        code?: string;
        last_login?: string;
        expires_at?: string;
        confirmed_by?: string;
        created_at: string;
      }[];
    };
  };

  /** Makes a one-time link by which a device without a Nostr extension can be paired, good for ten minutes. */
  "device.pair": {
    params: {
      /** the most that the device may do */
      role: Role;
      label: string;
      /** the admin whose device it is (none: this machine's, local) */
      npub?: string;
      /** how long the device may come (90d) */
      expires?: string;
    };
    result: {
      /** of the link, for device.wait */
      id: string;
      /** to be opened on the device; good once */
      link: string;
      /** when the link ends */
      until: string;
    };
  };

  /** Turns the device away that shows a code. */
  "device.refuse": {
    params: {
      /** the six that the device shows */
      digits: string;
    };
    result: {
      device: {
        id: string;
        /** its own words */
        label: string;
        /** an npub, or local */
        person: string;
        /** waiting, confirmed, revoked or expired */
        state: string;
        /** the most that it may do */
        role: Role;
        /** by a link: it needs no certificate */
        paired?: boolean;
        /** what a waiting device shows */
        code?: string;
        last_login?: string;
        expires_at?: string;
        confirmed_by?: string;
        created_at: string;
      };
    };
  };

  /** Revokes a device: its sessions end, and it is not let in again. */
  "device.revoke": {
    params: {
      /** its id, or a label that no other has */
      device: string;
    };
    result: {
      device: {
        id: string;
        /** its own words */
        label: string;
        /** an npub, or local */
        person: string;
        /** waiting, confirmed, revoked or expired */
        state: string;
        /** the most that it may do */
        role: Role;
        /** by a link: it needs no certificate */
        paired?: boolean;
        /** what a waiting device shows */
        code?: string;
        last_login?: string;
        expires_at?: string;
        confirmed_by?: string;
        created_at: string;
      };
    };
  };

  /** Waits up to 25 seconds for a device that uses a pairing link, and returns the code that it shows. */
  "device.wait": {
    params: {
      /** of the link */
      id: string;
    };
    result: {
      /** absent when nobody came yet: ask again */
      device?: {
        id: string;
        /** its own words */
        label: string;
        /** an npub, or local */
        person: string;
        /** waiting, confirmed, revoked or expired */
        state: string;
        /** the most that it may do */
        role: Role;
        /** by a link: it needs no certificate */
        paired?: boolean;
        /** what a waiting device shows */
        code?: string;
        last_login?: string;
        expires_at?: string;
        confirmed_by?: string;
        created_at: string;
      };
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

  /** Has the instance that answers give up what it hears on relays and does by a timer, so that it can be stopped. */
  "instance.drain": {
    params: {
      /** take the share again */
      undo?: boolean;
    };
    result: Record<string, never>;
  };

  /** Lists the instances that serve this store together. */
  "instance.list": {
    params: Record<string, never>;
    result: {
      instances: {
        /** where to look for it */
        name: string;
        /** it is the one that answers */
        here?: boolean;
        /** running, draining, or gone: it was not heard of for some seconds */
        state: string;
        version: string;
        started: string;
        /** of it last, by the database's clock */
        heard: string;
        /** bunkers that are unsealed there */
        open: number;
        /** parts of the signer keys that it hears on relays */
        keys: number;
        /** it does what a timer asks for: checkpoints, notices, pruning */
        jobs?: boolean;
        /** it has not followed the last change yet */
        behind?: boolean;
      }[];
      /** that the signer keys are in */
      parts: number;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
    };
  };

  /** Fetches an account's profile and lists from relays and keeps them, so that the guard can tell what a new version would lose. */
  "key.baseline": {
    params: {
      /** name or id */
      key: string;
      /** more relays to ask */
      relays?: string[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      baseline: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
    };
  };

  /** Deletes a key after a waiting period, in which it signs nothing and can be brought back. */
  "key.delete": {
    params: {
      /** name or id */
      key: string;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      name: string;
      npub: string;
      ncryptsec: string;
    };
  };

  /** Sets how much of a profile or list an app may drop before a person is asked. */
  "key.guard": {
    params: {
      /** name or id */
      key: string;
      /** percent (1 to 100) of its entries that a new version may drop unasked; default (20), or off */
      share: string;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
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
      /** more relays to ask for the account's profile and lists */
      relays?: string[];
      /** ask no relay for the account's profile and lists */
      no_baseline?: boolean;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
    };
  };

  /** Pauses a key: nothing is done for its apps, for a time or until it is resumed. They are told so. The key stays unlocked. */
  "key.pause": {
    params: {
      /** name or id */
      key: string;
      /** how long; then the key signs again by itself (until it is resumed) */
      for?: string;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
    };
  };

  /** Fetches the picture that a key's profile names, where that is turned on. */
  "key.picture": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      /** pictures are fetched; else there is none here */
      on: boolean;
      /** where the profile says that the picture is */
      host?: string;
      /** a small JPEG, in base64 */
      picture?: string;
      /** why there is none */
      words?: string;
    };
  };

  /** Says what a change of a key's profile would do, without signing anything. */
  "key.profile.check": {
    params: {
      /** name or id */
      key: string;
      /** empty takes it away; so with the others */
      name?: string;
      display_name?: string;
      about?: string;
      /** address of a picture */
      picture?: string;
      /** address of a wide picture */
      banner?: string;
      website?: string;
      /** name@domain that stands for the key (NIP-05) */
      nip05?: string;
      /** lightning address */
      lud16?: string;
      /** more relays to publish it on */
      relays?: string[];
    };
    result: {
      /** id of the version before, empty for none */
      base: string;
      /** what it does to the version before */
      changes: {
        /** in a sentence; empty when nothing changes */
        words: string;
        /** no version before is known here */
        first?: boolean;
        /** id of the event that it is compared with */
        base?: string;
        /** entries (fields of a profile) of the version before */
        before: number;
        /** entries of this one */
        after: number;
        removed?: number;
        added?: number;
        /** entries with another rest than before */
        changed?: number;
        /** the first of those that are removed */
        removed_list?: string[];
        /** the first of those that are added */
        added_list?: string[];
        /** the first of those that are changed */
        changed_list?: string[];
      };
      /** what the guard finds: it must be accepted */
      finding?: string;
      /** where it is published */
      relays: string[];
      warnings?: string[];
    };
  };

  /** Changes fields of a key's profile, keeps all others, signs it and publishes it on the account's relays. */
  "key.profile.set": {
    params: {
      /** name or id */
      key: string;
      /** empty takes it away; so with the others */
      name?: string;
      display_name?: string;
      about?: string;
      /** address of a picture */
      picture?: string;
      /** address of a wide picture */
      banner?: string;
      website?: string;
      /** name@domain that stands for the key (NIP-05) */
      nip05?: string;
      /** lightning address */
      lud16?: string;
      /** id of the version that was looked at, empty for none; another one meanwhile refuses the change */
      base?: string;
      /** what the guard finds about the change was shown, and is meant; needs base */
      accept?: boolean;
      /** more relays to publish it on */
      relays?: string[];
    };
    result: {
      /** id of the new event */
      event: string;
      /** id of the version before, which key.version.restore brings back; empty for none */
      base: string;
      /** what it did to the version before */
      changes: {
        /** in a sentence; empty when nothing changes */
        words: string;
        /** no version before is known here */
        first?: boolean;
        /** id of the event that it is compared with */
        base?: string;
        /** entries (fields of a profile) of the version before */
        before: number;
        /** entries of this one */
        after: number;
        removed?: number;
        added?: number;
        /** entries with another rest than before */
        changed?: number;
        /** the first of those that are removed */
        removed_list?: string[];
        /** the first of those that are added */
        added_list?: string[];
        /** the first of those that are changed */
        changed_list?: string[];
      };
      /** which took it; it is sent again to the others for ten minutes unless one took it */
      relays: {
        url: string;
        /** it took the event; or it said all that it has */
        ok: boolean;
        /** events that it had */
        found?: number;
        /** why not, in its own words or ours */
        words?: string;
      }[];
      event_json: string;
      warnings?: string[];
    };
  };

  /** Shows a key's profile (kind 0), as it was last signed or found. */
  "key.profile.show": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      /** id of the event; empty where none is kept */
      event?: string;
      /** the event's created_at */
      dated?: string;
      /** found on a relay, not signed here */
      fetched?: boolean;
      /** it cannot be read */
      broken?: boolean;
      /** what is not kept is not there, as far as can be told: false for a key that was brought along and not looked up yet */
      known: boolean;
      name: string;
      display_name: string;
      about: string;
      /** address of a picture */
      picture: string;
      /** address of a wide picture */
      banner: string;
      website: string;
      /** name@domain that stands for the key (NIP-05) */
      nip05: string;
      /** lightning address */
      lud16: string;
      /** names of further fields, which every change keeps */
      others?: string[];
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

  /** Says what another list of relays would do to a key's own, without signing anything. */
  "key.relays.check": {
    params: {
      /** name or id */
      key: string;
      /** the whole list, as it shall be */
      list: {
        url: string;
        /** what mentions the account is looked for there */
        read?: boolean;
        /** the account's own events are there */
        write?: boolean;
      }[];
      /** more relays to publish it on */
      relays?: string[];
    };
    result: {
      /** id of the version before, empty for none */
      base: string;
      /** what it does to the version before */
      changes: {
        /** in a sentence; empty when nothing changes */
        words: string;
        /** no version before is known here */
        first?: boolean;
        /** id of the event that it is compared with */
        base?: string;
        /** entries (fields of a profile) of the version before */
        before: number;
        /** entries of this one */
        after: number;
        removed?: number;
        added?: number;
        /** entries with another rest than before */
        changed?: number;
        /** the first of those that are removed */
        removed_list?: string[];
        /** the first of those that are added */
        added_list?: string[];
        /** the first of those that are changed */
        changed_list?: string[];
      };
      /** what the guard finds: it must be accepted */
      finding?: string;
      /** where it is published */
      relays: string[];
      warnings?: string[];
    };
  };

  /** Gives a key another list of relays, signs it and publishes it on the relays of the old and the new one. */
  "key.relays.set": {
    params: {
      /** name or id */
      key: string;
      /** the whole list, as it shall be */
      list: {
        url: string;
        /** what mentions the account is looked for there */
        read?: boolean;
        /** the account's own events are there */
        write?: boolean;
      }[];
      /** id of the version that was looked at, empty for none; another one meanwhile refuses the change */
      base?: string;
      /** what the guard finds about the change was shown, and is meant; needs base */
      accept?: boolean;
      /** more relays to publish it on */
      relays?: string[];
    };
    result: {
      /** id of the new event */
      event: string;
      /** id of the version before, which key.version.restore brings back; empty for none */
      base: string;
      /** what it did to the version before */
      changes: {
        /** in a sentence; empty when nothing changes */
        words: string;
        /** no version before is known here */
        first?: boolean;
        /** id of the event that it is compared with */
        base?: string;
        /** entries (fields of a profile) of the version before */
        before: number;
        /** entries of this one */
        after: number;
        removed?: number;
        added?: number;
        /** entries with another rest than before */
        changed?: number;
        /** the first of those that are removed */
        removed_list?: string[];
        /** the first of those that are added */
        added_list?: string[];
        /** the first of those that are changed */
        changed_list?: string[];
      };
      /** which took it; it is sent again to the others for ten minutes unless one took it */
      relays: {
        url: string;
        /** it took the event; or it said all that it has */
        ok: boolean;
        /** events that it had */
        found?: number;
        /** why not, in its own words or ours */
        words?: string;
      }[];
      event_json: string;
      warnings?: string[];
    };
  };

  /** Shows a key's own list of relays (NIP-65, kind 10002): where it writes, and where it reads. */
  "key.relays.show": {
    params: {
      /** name or id */
      key: string;
    };
    result: {
      /** id of the event; empty where none is kept */
      event?: string;
      /** the event's created_at */
      dated?: string;
      /** found on a relay, not signed here */
      fetched?: boolean;
      /** it cannot be read */
      broken?: boolean;
      /** what is not kept is not there, as far as can be told: false for a key that was brought along and not looked up yet */
      known: boolean;
      list: {
        url: string;
        /** what mentions the account is looked for there */
        read?: boolean;
        /** the account's own events are there */
        write?: boolean;
      }[];
      /** tags about something else, which every change keeps */
      others?: number;
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
    };
  };

  /** Ends the pause of a key. */
  "key.resume": {
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
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
        /** percent of its entries that a profile or list may lose unasked; default, or off */
        guard: string;
        /** what is known of lists from before: empty (the key was made here), unknown, or fetched */
        baseline: string;
        delete_at?: string;
        created_at: string;
        /** nothing is done for its apps now */
        paused?: boolean;
        paused_until?: string;
        /** that are not over; in key.list and key.show */
        connections?: number;
        /** requests of all its connections; in key.list and key.show */
        uses?: number;
        /** in key.list and key.show */
        last_used?: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** of an imported key: what relays had of its lists */
      baseline?: {
        /** the account's profile, follow list or relay list was found: what is missing besides, there is not */
        known: boolean;
        /** of which a version was found */
        kinds: number[];
        /** versions that are newer than what was kept */
        kept: number;
        relays: {
          url: string;
          /** it took the event; or it said all that it has */
          ok: boolean;
          /** events that it had */
          found?: number;
          /** why not, in its own words or ours */
          words?: string;
        }[];
      };
      warnings?: string[];
    };
  };

  /** Brings a kept version back: signs its content anew, dated now, and publishes it on the account's relays. */
  "key.version.restore": {
    params: {
      /** name or id */
      key: string;
      /** the event's id, or how it begins */
      event: string;
      /** more relays to publish it on */
      relays?: string[];
    };
    result: {
      /** id of the new event */
      event: string;
      kind: number;
      /** what it did to the version before */
      changes: {
        /** in a sentence; empty when nothing changes */
        words: string;
        /** no version before is known here */
        first?: boolean;
        /** id of the event that it is compared with */
        base?: string;
        /** entries (fields of a profile) of the version before */
        before: number;
        /** entries of this one */
        after: number;
        removed?: number;
        added?: number;
        /** entries with another rest than before */
        changed?: number;
        /** the first of those that are removed */
        removed_list?: string[];
        /** the first of those that are added */
        added_list?: string[];
        /** the first of those that are changed */
        changed_list?: string[];
      };
      /** which took it; it is sent again to the others for ten minutes unless one took it */
      relays: {
        url: string;
        /** it took the event; or it said all that it has */
        ok: boolean;
        /** events that it had */
        found?: number;
        /** why not, in its own words or ours */
        words?: string;
      }[];
      event_json: string;
      warnings?: string[];
    };
  };

  /** Shows a kept version whole, and what bringing it back would change. */
  "key.version.show": {
    params: {
      /** name or id */
      key: string;
      /** the event's id, or how it begins */
      event: string;
    };
    result: {
      version: {
        /** id of the event */
        event: string;
        kind: number;
        /** the d tag, of kinds that have one */
        d?: string;
        /** the event's created_at */
        dated: string;
        kept_at: string;
        /** relays hold this one, as far as is known here */
        current: boolean;
        /** found on a relay, not signed here */
        fetched?: boolean;
        /** that it was signed for; empty for an admin */
        app?: string;
        /** tags that list something, and fields of a profile */
        entries: number;
        /** bytes of the event */
        size: number;
        /** it cannot be read any more: its stored bytes were changed */
        broken?: boolean;
      };
      /** what bringing it back does to the current version */
      changes: {
        /** in a sentence; empty when nothing changes */
        words: string;
        /** no version before is known here */
        first?: boolean;
        /** id of the event that it is compared with */
        base?: string;
        /** entries (fields of a profile) of the version before */
        before: number;
        /** entries of this one */
        after: number;
        removed?: number;
        added?: number;
        /** entries with another rest than before */
        changed?: number;
        /** the first of those that are removed */
        removed_list?: string[];
        /** the first of those that are added */
        added_list?: string[];
        /** the first of those that are changed */
        changed_list?: string[];
      };
      /** the event as it was signed */
      event_json: string;
    };
  };

  /** Lists the kept versions of a key's profile, lists and other replaceable events, the newest first. */
  "key.versions": {
    params: {
      /** name or id */
      key: string;
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
      /** of this kind only */
      kind?: number;
    };
    result: {
      versions: {
        /** id of the event */
        event: string;
        kind: number;
        /** the d tag, of kinds that have one */
        d?: string;
        /** the event's created_at */
        dated: string;
        kept_at: string;
        /** relays hold this one, as far as is known here */
        current: boolean;
        /** found on a relay, not signed here */
        fetched?: boolean;
        /** that it was signed for; empty for an admin */
        app?: string;
        /** tags that list something, and fields of a profile */
        entries: number;
        /** bytes of the event */
        size: number;
        /** it cannot be read any more: its stored bytes were changed */
        broken?: boolean;
      }[];
      next?: string;
    };
  };

  /** Exports every key that allows it, closed with a password, and says which do not and why. */
  "leave": {
    params: {
      /** closes the exports; at least 12 characters */
      password: string;
      /** where to go on: the next of the answer before */
      after?: string;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
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

  /** Ends every expected login. */
  "login.close": {
    params: Record<string, never>;
    result: Record<string, never>;
  };

  /** Lets an app that nobody named before ask to log in, for ten minutes; an admin answers the question. */
  "login.expect": {
    params: {
      /** name or id; without it every key, for apps that have an old link */
      key?: string;
    };
    result: {
      /** name */
      key?: string;
      until: string;
      /** a bunker:// link without a secret: whoever has it can ask, and nothing more */
      uri?: string;
      relays?: string[];
      warnings?: string[];
    };
  };

  /** Adds a channel: a direct message, an ntfy topic, a webhook, e-mail or a browser's web push. */
  "notify.add": {
    params: {
      name: string;
      /** nostr, ntfy, webhook, mail or push */
      kind: string;
      /** npub, URL, address, or the endpoint of a push subscription */
      target: string;
      /** of questions, answers, alarms; questions and alarms when new */
      classes?: string[];
      /** name the app and the key; never the content */
      details?: boolean;
      /** questions only that wait for so long: the on-call order */
      after?: string;
      /** 22:00-07:00; questions wait for its end; empty: never */
      quiet?: string;
      /** of quiet: Europe/Berlin; UTC when empty */
      zone?: string;
      /** alarms wait for the end of the quiet hours, too */
      quiet_alarms?: boolean;
      /** of nostr: messages carry codes, and a reply can deny or allow once */
      answers?: boolean;
      /** of ntfy: an access token; of mail: the password; of webhook: what signs, made when it is not given; of push: the subscription's auth */
      secret?: string;
      /** of nostr: where to send; the bunker's own relays when none */
      relays?: string[];
      /** of nostr: kind 4, for apps that do not know NIP-17 */
      legacy?: boolean;
      /** of mail: host:port */
      server?: string;
      /** of mail: starttls (the default) or tls */
      tls?: string;
      /** of mail: the sender's address; target when empty */
      from?: string;
      /** of mail: whom to log in as; nobody when empty */
      user?: string;
      /** of push: the subscription's public key */
      p256dh?: string;
    };
    result: {
      channel: {
        name: string;
        kind: string;
        /** of ntfy and webhook without what comes after the host: it may be a secret */
        target: string;
        classes: string[];
        details: boolean;
        after?: string;
        quiet?: string;
        zone?: string;
        quiet_alarms?: boolean;
        relays?: string[];
        legacy?: boolean;
        answers?: boolean;
        server?: string;
        from?: string;
        user?: string;
        has_secret: boolean;
        created_at: string;
      };
      /** of a new webhook: what its signatures are made with; it is not shown again */
      signing_secret?: string;
      /** of nostr: whom the messages come from */
      npub?: string;
      warnings?: string[];
    };
  };

  /** Shows the npub that direct messages come from, and the public key that browsers subscribe to web push with. */
  "notify.key": {
    params: Record<string, never>;
    result: {
      /** none before the first channel of kind nostr */
      npub?: string;
      /** applicationServerKey, base64url */
      vapid: string;
    };
  };

  /** Lists the channels by which people are told of questions and alarms, and notices that could not be sent. */
  "notify.list": {
    params: Record<string, never>;
    result: {
      channels: {
        name: string;
        kind: string;
        /** of ntfy and webhook without what comes after the host: it may be a secret */
        target: string;
        classes: string[];
        details: boolean;
        after?: string;
        quiet?: string;
        zone?: string;
        quiet_alarms?: boolean;
        relays?: string[];
        legacy?: boolean;
        answers?: boolean;
        server?: string;
        from?: string;
        user?: string;
        has_secret: boolean;
        created_at: string;
      }[];
      /** notices that were given up, newest first */
      failed?: {
        channel: string;
        kind: string;
        at: string;
        tries: number;
        error: string;
      }[];
      warnings?: string[];
    };
  };

  /** Removes a channel, with what it was still to be told. */
  "notify.remove": {
    params: {
      name: string;
    };
    result: Record<string, never>;
  };

  /** Changes what a channel hears, when, and its secret. Where it leads stays; add another channel for that. */
  "notify.set": {
    params: {
      name: string;
      /** of questions, answers, alarms; questions and alarms when new */
      classes?: string[];
      /** name the app and the key; never the content */
      details?: boolean;
      /** questions only that wait for so long: the on-call order */
      after?: string;
      /** 22:00-07:00; questions wait for its end; empty: never */
      quiet?: string;
      /** of quiet: Europe/Berlin; UTC when empty */
      zone?: string;
      /** alarms wait for the end of the quiet hours, too */
      quiet_alarms?: boolean;
      /** of nostr: messages carry codes, and a reply can deny or allow once */
      answers?: boolean;
      /** of ntfy: an access token; of mail: the password; of webhook: what signs, made when it is not given; of push: the subscription's auth */
      secret?: string;
    };
    result: {
      channel: {
        name: string;
        kind: string;
        /** of ntfy and webhook without what comes after the host: it may be a secret */
        target: string;
        classes: string[];
        details: boolean;
        after?: string;
        quiet?: string;
        zone?: string;
        quiet_alarms?: boolean;
        relays?: string[];
        legacy?: boolean;
        answers?: boolean;
        server?: string;
        from?: string;
        user?: string;
        has_secret: boolean;
        created_at: string;
      };
      /** of a new webhook: what its signatures are made with; it is not shown again */
      signing_secret?: string;
      /** of nostr: whom the messages come from */
      npub?: string;
      warnings?: string[];
    };
  };

  /** Sends a test message to a channel, now, and shows what the other side said. */
  "notify.test": {
    params: {
      name: string;
    };
    result: {
      channel: string;
      /** what the other side answered */
      said: string;
    };
  };

  /** Lists orders, the newest first: what was bought, how far it is, and what is owed. */
  "order.list": {
    params: {
      state?: string;
      /** those alone that you have to look at */
      cases?: boolean;
      /** next of the page before */
      after?: string;
    };
    result: {
      orders: {
        id: string;
        /** bunker, trial, or plan: a bunker that there was, renewed or changed */
        kind: string;
        /** new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back) */
        state: string;
        /** you have to look: money is owed, or what was paid cannot be made */
        case?: boolean;
        /** id of the bunker */
        bunker?: string;
        /** npubs that were named */
        admins?: string[];
        people: number;
        /** what it costs */
        sats: number;
        /** what came, bought nothing, and was not given back */
        owed_msat?: number;
        /** why the last try failed */
        trouble?: string;
        tries?: number;
        created_at: string;
        changed_at: string;
        payments?: {
          hash: string;
          /** open, lapsed or settled */
          state: string;
          /** what was asked for */
          sats: number;
          paid_msat?: number;
          /** what of it bought the order */
          taken_msat?: number;
          owed_msat?: number;
          /** why something is or was owed */
          why?: string;
          /** your note to giving it back */
          refund?: string;
          settled_at?: string;
          expires_at: string;
          refunded_at?: string;
        }[];
      }[];
      next?: string;
    };
  };

  /** Notes that you have given back what is owed of a payment. The bunker itself pays nothing. An order that was paid and not made yet is not made then. */
  "order.refund": {
    params: {
      id: string;
      /** its hash */
      payment: string;
      /** how you gave it back: kept with the order */
      note: string;
    };
    result: {
      order: {
        id: string;
        /** bunker, trial, or plan: a bunker that there was, renewed or changed */
        kind: string;
        /** new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back) */
        state: string;
        /** you have to look: money is owed, or what was paid cannot be made */
        case?: boolean;
        /** id of the bunker */
        bunker?: string;
        /** npubs that were named */
        admins?: string[];
        people: number;
        /** what it costs */
        sats: number;
        /** what came, bought nothing, and was not given back */
        owed_msat?: number;
        /** why the last try failed */
        trouble?: string;
        tries?: number;
        created_at: string;
        changed_at: string;
        payments?: {
          hash: string;
          /** open, lapsed or settled */
          state: string;
          /** what was asked for */
          sats: number;
          paid_msat?: number;
          /** what of it bought the order */
          taken_msat?: number;
          owed_msat?: number;
          /** why something is or was owed */
          why?: string;
          /** your note to giving it back */
          refund?: string;
          settled_at?: string;
          expires_at: string;
          refunded_at?: string;
        }[];
      };
    };
  };

  /** Has an order tried again now. What came late or in part counts then as though it were right. */
  "order.retry": {
    params: {
      id: string;
    };
    result: {
      order: {
        id: string;
        /** bunker, trial, or plan: a bunker that there was, renewed or changed */
        kind: string;
        /** new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back) */
        state: string;
        /** you have to look: money is owed, or what was paid cannot be made */
        case?: boolean;
        /** id of the bunker */
        bunker?: string;
        /** npubs that were named */
        admins?: string[];
        people: number;
        /** what it costs */
        sats: number;
        /** what came, bought nothing, and was not given back */
        owed_msat?: number;
        /** why the last try failed */
        trouble?: string;
        tries?: number;
        created_at: string;
        changed_at: string;
        payments?: {
          hash: string;
          /** open, lapsed or settled */
          state: string;
          /** what was asked for */
          sats: number;
          paid_msat?: number;
          /** what of it bought the order */
          taken_msat?: number;
          owed_msat?: number;
          /** why something is or was owed */
          why?: string;
          /** your note to giving it back */
          refund?: string;
          settled_at?: string;
          expires_at: string;
          refunded_at?: string;
        }[];
      };
    };
  };

  /** Shows one order with every payment for it. */
  "order.show": {
    params: {
      id: string;
    };
    result: {
      order: {
        id: string;
        /** bunker, trial, or plan: a bunker that there was, renewed or changed */
        kind: string;
        /** new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back) */
        state: string;
        /** you have to look: money is owed, or what was paid cannot be made */
        case?: boolean;
        /** id of the bunker */
        bunker?: string;
        /** npubs that were named */
        admins?: string[];
        people: number;
        /** what it costs */
        sats: number;
        /** what came, bought nothing, and was not given back */
        owed_msat?: number;
        /** why the last try failed */
        trouble?: string;
        tries?: number;
        created_at: string;
        changed_at: string;
        payments?: {
          hash: string;
          /** open, lapsed or settled */
          state: string;
          /** what was asked for */
          sats: number;
          paid_msat?: number;
          /** what of it bought the order */
          taken_msat?: number;
          owed_msat?: number;
          /** why something is or was owed */
          why?: string;
          /** your note to giving it back */
          refund?: string;
          settled_at?: string;
          expires_at: string;
          refunded_at?: string;
        }[];
      };
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
        /** passphrase, file, credential, command or provider */
        kind: string;
        /** opens without a person */
        unattended: boolean;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Checks that you still know a passphrase of the bunker, and notes that you do; nothing else changes. */
  "passphrase.check": {
    params: {
      passphrase: string;
    };
    result: {
      /** name of the slot that it opens */
      slot: string;
      known_at: string;
    };
  };

  /** Erases a person's name: connections and links are for nobody by name then, and the log keeps a digest. */
  "person.forget": {
    params: {
      /** the name */
      person: string;
    };
    result: {
      /** that were for the person */
      connections: number;
      /** that were for the person */
      tokens: number;
    };
  };

  /** Turns the fetching of profiles' pictures on or off: their hosts then see this bunker, never who looks at them. */
  "picture.set": {
    params: {
      on: boolean;
    };
    result: {
      on: boolean;
    };
  };

  /** Shows whether the pictures of profiles are fetched. */
  "picture.settings": {
    params: Record<string, never>;
    result: {
      on: boolean;
    };
  };

  /** Lists what bunkers are paid for: for how many people, until when, and how far those are that were not renewed. */
  "plan.list": {
    params: {
      /** id of the last bunker that was shown */
      after?: string;
    };
    result: {
      plans: {
        /** id */
        bunker: string;
        people: number;
        until: string;
        trial?: boolean;
        /** paid, grace, read-only, notice or delete */
        stage: string;
        /** when it is deleted at the earliest */
        delete_at?: string;
        /** its owners could not be told what they have to know */
        untold?: boolean;
      }[];
      next?: string;
    };
  };

  /** Shows how far an order for this bunker is: its invoice, and whether it is paid. */
  "plan.order": {
    params: {
      /** its name */
      order: string;
    };
    result: {
      order: {
        id: string;
        /** new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back) */
        state: string;
        people: number;
        sats: number;
        /** what came and bought nothing */
        owed_sats?: number;
        /** why the last try failed */
        trouble?: string;
        /** BOLT 11, while it can be paid */
        invoice?: string;
        /** of the invoice */
        ends_at?: string;
      };
    };
  };

  /** Says what a year more, or another number of people, costs now. */
  "plan.quote": {
    params: {
      people: number;
      /** a year more; else another number of people for the rest of the time */
      year?: boolean;
    };
    result: {
      sats: number;
      /** how far it is paid then */
      until: string;
      /** sats of what was paid before that count for it */
      credit?: number;
    };
  };

  /** Orders a year more for this hosted bunker, or another number of people, and has an invoice made. */
  "plan.renew": {
    params: {
      /** a name made up for it, of 16 to 64 letters and digits: the same is the same order */
      order: string;
      people: number;
      /** a year more; else another number of people for the rest of the time */
      year?: boolean;
    };
    result: {
      order: {
        id: string;
        /** new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back) */
        state: string;
        people: number;
        sats: number;
        /** what came and bought nothing */
        owed_sats?: number;
        /** why the last try failed */
        trouble?: string;
        /** BOLT 11, while it can be paid */
        invoice?: string;
        /** of the invoice */
        ends_at?: string;
      };
    };
  };

  /** Shows what this hosted bunker is paid for: for how many people, until when, what comes then, and what a year costs. */
  "plan.show": {
    params: Record<string, never>;
    result: {
      plan: {
        /** how many may sign */
        people: number;
        /** it is paid until then */
        until: string;
        trial?: boolean;
        /** paid, grace (everything works), read-only, or notice (read-only, and a day is named on which it is deleted) */
        stage: string;
        /** when a bunker in grace becomes read-only, or one that is read-only is told of its deletion */
        next?: string;
        /** when it is deleted at the earliest */
        delete_at?: string;
        /** the time for the first reminder has come */
        soon?: boolean;
      };
      /** sats of a year for 1, 2, 3 … people */
      years: number[];
      /** how long everything works after the end */
      grace_days: number;
      /** how long it can then be read and exported */
      read_only_days: number;
    };
  };

  /** Says what a policy would mean, without keeping it: from its text form or its rules. Names all that is wrong with it, with the lines; and against a policy that is there, what differs and what it may give more. */
  "policy.check": {
    params: {
      /** the policy in its text form, instead of name, description, zone and rules */
      text?: string;
      name?: string;
      description?: string;
      zone?: string;
      rules?: {
        id: string;
        note?: string;
        effect: "deny" | "ask" | "allow";
        methods?: string[];
        rights?: string[];
        kinds?: {
          from: number;
          to: number;
        }[];
        peers?: string[];
        results?: string[];
        tags?: {
          name: string;
          values?: string[];
          absent?: boolean;
          max?: number;
        }[];
        content?: {
          min_length?: number;
          max_length?: number;
          words?: string[];
          pattern?: string;
        };
        max_skew?: number;
        hours?: {
          days?: string[];
          from: number;
          to: number;
        }[];
        doors?: string[];
        relays?: string[];
        budget?: {
          total?: number;
          per_minute?: number;
          per_hour?: number;
          per_day?: number;
          per?: string;
          when_spent?: "deny" | "ask" | "allow";
        };
        expires_at?: number;
        for?: number;
        quorum?: number;
      }[];
      /** name or id of a policy to compare it with */
      against?: string;
      /** of that policy (the newest) */
      version?: number;
    };
    result: {
      /** missing where the text cannot be read */
      policy?: {
        name: string;
        description?: string;
        zone?: string;
        rules: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary: string;
        /** what each rule means, in the order of the rules */
        sentences: string[];
        /** its text form; missing while something is wrong with it */
        text?: string;
      };
      /** it could be kept as it is */
      good: boolean;
      problems: {
        /** it can be kept all the same */
        warning?: boolean;
        rule?: string;
        /** key of the text form */
        field?: string;
        words: string;
        /** the next step */
        hint?: string;
        /** of the text */
        line?: number;
      }[];
      /** what differs from the policy that it is compared with */
      changes?: string[];
      /** why it may give more than that one */
      widens?: string[];
    };
  };

  /** Makes a policy of rules. */
  "policy.create": {
    params: {
      /** letters, digits, dots, hyphens and underscores */
      name: string;
      /** what it is for */
      description?: string;
      /** time zone of its hours and budgets, such as Europe/Paris (UTC) */
      zone?: string;
      rules: {
        id: string;
        note?: string;
        effect: "deny" | "ask" | "allow";
        methods?: string[];
        rights?: string[];
        kinds?: {
          from: number;
          to: number;
        }[];
        peers?: string[];
        results?: string[];
        tags?: {
          name: string;
          values?: string[];
          absent?: boolean;
          max?: number;
        }[];
        content?: {
          min_length?: number;
          max_length?: number;
          words?: string[];
          pattern?: string;
        };
        max_skew?: number;
        hours?: {
          days?: string[];
          from: number;
          to: number;
        }[];
        doors?: string[];
        relays?: string[];
        budget?: {
          total?: number;
          per_minute?: number;
          per_hour?: number;
          per_day?: number;
          per?: string;
          when_spent?: "deny" | "ask" | "allow";
        };
        expires_at?: number;
        for?: number;
        quorum?: number;
      }[];
    };
    result: {
      policy: {
        id: string;
        name: string;
        description?: string;
        /** time zone of its hours and budgets */
        zone: string;
        version: number;
        /** of its rules */
        count: number;
        rules?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary?: string;
        /** what each rule means for an app under it, in the order of the rules */
        sentences?: string[];
        deleted?: boolean;
        /** that are under it */
        connections: number;
        /** open links that put under it */
        tokens: number;
        changed_by: string;
        changed_at: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Deletes a policy that nothing is under; with force, what is under it has nothing of it any more. */
  "policy.delete": {
    params: {
      /** name or id */
      policy: string;
      /** even if connections or open links are under it */
      force?: boolean;
      /** only if this is the newest version */
      if_version?: number;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      policy: {
        id: string;
        name: string;
        description?: string;
        /** time zone of its hours and budgets */
        zone: string;
        version: number;
        /** of its rules */
        count: number;
        rules?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary?: string;
        /** what each rule means for an app under it, in the order of the rules */
        sentences?: string[];
        deleted?: boolean;
        /** that are under it */
        connections: number;
        /** open links that put under it */
        tokens: number;
        changed_by: string;
        changed_at: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Changes a policy: what is given is replaced. It holds for the next request of everything under it. Giving more to what is under it needs a fresh proof. */
  "policy.edit": {
    params: {
      /** name or id */
      policy: string;
      /** its new name */
      name?: string;
      description?: string;
      zone?: string;
      /** all of them; those that are not given any more are gone */
      rules?: {
        id: string;
        note?: string;
        effect: "deny" | "ask" | "allow";
        methods?: string[];
        rights?: string[];
        kinds?: {
          from: number;
          to: number;
        }[];
        peers?: string[];
        results?: string[];
        tags?: {
          name: string;
          values?: string[];
          absent?: boolean;
          max?: number;
        }[];
        content?: {
          min_length?: number;
          max_length?: number;
          words?: string[];
          pattern?: string;
        };
        max_skew?: number;
        hours?: {
          days?: string[];
          from: number;
          to: number;
        }[];
        doors?: string[];
        relays?: string[];
        budget?: {
          total?: number;
          per_minute?: number;
          per_hour?: number;
          per_day?: number;
          per?: string;
          when_spent?: "deny" | "ask" | "allow";
        };
        expires_at?: number;
        for?: number;
        quorum?: number;
      }[];
      /** only if this is the newest version */
      if_version?: number;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      policy: {
        id: string;
        name: string;
        description?: string;
        /** time zone of its hours and budgets */
        zone: string;
        version: number;
        /** of its rules */
        count: number;
        rules?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary?: string;
        /** what each rule means for an app under it, in the order of the rules */
        sentences?: string[];
        deleted?: boolean;
        /** that are under it */
        connections: number;
        /** open links that put under it */
        tokens: number;
        changed_by: string;
        changed_at: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Says why: what would be decided about an operation of an app now, what every rule says to it, and what would be needed; or what decided a record of the log. */
  "policy.explain": {
    params: {
      /** number of a record of the log; instead of everything else */
      record?: number;
      /** id, or name when no other connection has it */
      connection?: string;
      /** sign_event (where a kind is given), nip44_encrypt, … */
      method?: string;
      /** of sign_event */
      kind?: number;
      content?: string;
      tags?: string[][];
      /** an event as JSON, instead of kind, content and tags */
      event?: string;
      /** npub or pubkey of the other party of encrypt and decrypt */
      peer?: string;
      /** what the decryption brings to light: wrap, dm, self or other */
      result?: string;
      /** as if it were that time (now) */
      at?: string;
      /** the relay that brings it; embedded for the bunker's own */
      relay?: string;
    };
    result: {
      /** allow, ask or deny */
      effect: string;
      /** what decides */
      rule: string;
      reason: string;
      /** what would have allowed it */
      needed?: string;
      /** what is special about the operation */
      care?: string;
      /** a person can allow it one at a time only */
      once_only?: boolean;
      /** it hangs on what the decryption brings to light, and that was not said */
      unknown?: boolean;
      /** of the policies that the app is under */
      rules?: {
        /** policy/rule@version, or a grant's id */
        name: string;
        effect: string;
        fits: boolean;
        why: string;
      }[];
      grants?: {
        /** policy/rule@version, or a grant's id */
        name: string;
        effect: string;
        fits: boolean;
        why: string;
      }[];
      /** of the rules that allow it */
      budgets?: {
        rule: string;
        /** connection, key or policy: whose uses are counted together */
        per: string;
        /** total, day, hour or minute */
        window: string;
        used: number;
        limit: number;
        refills_at?: string;
      }[];
      record?: {
        seq: number;
        time: string;
        principal: string;
        action: string;
        /** id */
        connection?: string;
        kind?: number;
      };
      /** the rule that decided the record, as it was then */
      decided_by?: {
        policy: string;
        /** of the policy; its name may be another by now */
        id: string;
        version: number;
        /** version that is in force now; missing where the policy was deleted */
        newest?: number;
        zone: string;
        rule?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        };
        /** what the rule means for an app under it */
        sentence?: string;
      };
    };
  };

  /** Lists the policies, and how many connections and links are under each. */
  "policy.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
      /** deleted ones, too */
      deleted?: boolean;
    };
    result: {
      /** without their rules */
      policies: {
        id: string;
        name: string;
        description?: string;
        /** time zone of its hours and budgets */
        zone: string;
        version: number;
        /** of its rules */
        count: number;
        rules?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary?: string;
        /** what each rule means for an app under it, in the order of the rules */
        sentences?: string[];
        deleted?: boolean;
        /** that are under it */
        connections: number;
        /** open links that put under it */
        tokens: number;
        changed_by: string;
        changed_at: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Shows a policy with its rules, as it is or as it was in one of its versions. */
  "policy.show": {
    params: {
      /** name or id */
      policy: string;
      /** as it was then (the newest) */
      version?: number;
    };
    result: {
      policy: {
        id: string;
        name: string;
        description?: string;
        /** time zone of its hours and budgets */
        zone: string;
        version: number;
        /** of its rules */
        count: number;
        rules?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary?: string;
        /** what each rule means for an app under it, in the order of the rules */
        sentences?: string[];
        deleted?: boolean;
        /** that are under it */
        connections: number;
        /** open links that put under it */
        tokens: number;
        changed_by: string;
        changed_at: string;
        created_at: string;
      };
      warnings?: string[];
    };
  };

  /** Says what an edit of a policy would have changed in the last days: the requests of the log are decided anew, as the policy is and as it would be. What hangs on what the log does not hold is counted as unknown, never guessed. Nothing is changed. */
  "policy.simulate": {
    params: {
      /** name or id */
      policy: string;
      zone?: string;
      /** all of them, as in policy.edit */
      rules?: {
        id: string;
        note?: string;
        effect: "deny" | "ask" | "allow";
        methods?: string[];
        rights?: string[];
        kinds?: {
          from: number;
          to: number;
        }[];
        peers?: string[];
        results?: string[];
        tags?: {
          name: string;
          values?: string[];
          absent?: boolean;
          max?: number;
        }[];
        content?: {
          min_length?: number;
          max_length?: number;
          words?: string[];
          pattern?: string;
        };
        max_skew?: number;
        hours?: {
          days?: string[];
          from: number;
          to: number;
        }[];
        doors?: string[];
        relays?: string[];
        budget?: {
          total?: number;
          per_minute?: number;
          per_hour?: number;
          per_day?: number;
          per?: string;
          when_spent?: "deny" | "ask" | "allow";
        };
        expires_at?: number;
        for?: number;
        quorum?: number;
      }[];
      /** how many days back (30, at most 365) */
      days?: number;
      /** only requests of apps of this key: its name or id */
      key?: string;
      /** only requests of this app: its id, or name when no other connection has it */
      connection?: string;
    };
    result: {
      policy: string;
      /** what it is compared with */
      version: number;
      since: string;
      days: number;
      /** records of the log that were looked at */
      looked: number;
      /** there are more; only the last ones were looked at, those since since */
      cut?: boolean;
      /** of the apps under the policy */
      requests: number;
      same: number;
      /** that were asked about or refused */
      now_allowed: number;
      /** that were allowed or refused */
      now_asked: number;
      /** that were allowed or asked about */
      now_refused: number;
      /** it cannot be told: it hangs on what the log does not hold */
      unknown: number;
      /** by app and kind, the most frequent first */
      changes: {
        /** allow, ask or deny: what it comes out as; or unknown */
        change: string;
        /** id */
        connection: string;
        /** of the app */
        name?: string;
        method: string;
        kind?: number;
        count: number;
        /** what is not known that it may hang on */
        missing?: string[];
        /** the last ones */
        examples?: {
          record: number;
          time: string;
          /** what came out then: allow, ask or deny */
          recorded: string;
          /** what the policy makes of it as it is; missing where it cannot be told */
          before?: string;
          before_rule?: string;
          /** what it would make of it */
          after?: string;
          after_rule?: string;
          /** of the latter */
          reason?: string;
        }[];
      }[];
      /** further groups of changes */
      unlisted?: number;
      warnings?: string[];
    };
  };

  /** Lists the versions of a policy, the oldest first; they stay readable for ever. */
  "policy.versions": {
    params: {
      /** name or id */
      policy: string;
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
    };
    result: {
      /** without their rules */
      versions: {
        id: string;
        name: string;
        description?: string;
        /** time zone of its hours and budgets */
        zone: string;
        version: number;
        /** of its rules */
        count: number;
        rules?: {
          id: string;
          note?: string;
          effect: "deny" | "ask" | "allow";
          methods?: string[];
          rights?: string[];
          kinds?: {
            from: number;
            to: number;
          }[];
          peers?: string[];
          results?: string[];
          tags?: {
            name: string;
            values?: string[];
            absent?: boolean;
            max?: number;
          }[];
          content?: {
            min_length?: number;
            max_length?: number;
            words?: string[];
            pattern?: string;
          };
          max_skew?: number;
          hours?: {
            days?: string[];
            from: number;
            to: number;
          }[];
          doors?: string[];
          relays?: string[];
          budget?: {
            total?: number;
            per_minute?: number;
            per_hour?: number;
            per_day?: number;
            per?: string;
            when_spent?: "deny" | "ask" | "allow";
          };
          expires_at?: number;
          for?: number;
          quorum?: number;
        }[];
        /** what it means, in one sentence */
        summary?: string;
        /** what each rule means for an app under it, in the order of the rules */
        sentences?: string[];
        deleted?: boolean;
        /** that are under it */
        connections: number;
        /** open links that put under it */
        tokens: number;
        changed_by: string;
        changed_at: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Says yes to what waits for more persons; the last yes does it. */
  "quorum.approve": {
    params: {
      id: string;
    };
    result: {
      /** done, waits, or enough: the command itself is to be called now, with the secrets that it takes */
      state: string;
      /** what it waits for */
      words?: string;
      /** of the command that was done, as JSON */
      result?: string;
    };
  };

  /** Lists what waits for more persons. */
  "quorum.list": {
    params: {
      /** where to go on: the next of the answer before */
      after?: string;
      /** rows at most (200) */
      limit?: number;
    };
    result: {
      motions: {
        id: string;
        command: string;
        /** what it would be called with, as JSON, without secrets */
        params: string;
        /** id */
        key?: string;
        moved_by: string;
        votes: {
          npub: string;
          name?: string;
          at: string;
          /** no: the person has another role now, or none */
          counts: boolean;
        }[];
        /** votes that count */
        have: number;
        /** votes that it takes now; none: what the rule of the question says */
        need?: number;
        expires_at: string;
        created_at: string;
      }[];
      next?: string;
    };
  };

  /** Says how many persons must want exports, deletions, wider policies, and changes of admins. Changing it needs as many as before. */
  "quorum.set": {
    params: {
      /** persons that must want an export; 1: one */
      export?: number;
      /** persons that must want a key deleted; 1: one */
      delete?: number;
      /** persons that must want a policy widened; 1: one */
      policy?: number;
      /** persons that must want an admin named, invited or removed; 1: one */
      admins?: number;
      /** at the machine only: do it without the persons that it needs; every owner is told */
      break_glass?: boolean;
    };
    result: {
      quorum: {
        /** persons that must want an export */
        export?: number;
        /** persons that must want a key deleted */
        delete?: number;
        /** persons that must want a policy widened */
        policy?: number;
        /** persons that must want an admin named, invited or removed */
        admins?: number;
      };
      warnings?: string[];
    };
  };

  /** Shows how many persons must want what. */
  "quorum.show": {
    params: Record<string, never>;
    result: {
      /** what is not there needs one person */
      quorum: {
        /** persons that must want an export */
        export?: number;
        /** persons that must want a key deleted */
        delete?: number;
        /** persons that must want a policy widened */
        policy?: number;
        /** persons that must want an admin named, invited or removed */
        admins?: number;
      };
      /** that count now */
      owners: number;
    };
  };

  /** Takes your yes back; what you asked for yourself is withdrawn. */
  "quorum.withdraw": {
    params: {
      id: string;
    };
    result: {
      /** open, or withdrawn */
      state: string;
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

  /** Lists who holds the bunker's seats: persons, and apps of nobody in particular, with something allowed in the last 30 days. */
  "seat.list": {
    params: Record<string, never>;
    result: {
      /** none: as many as you like, and nobody is counted */
      quota?: {
        /** seats */
        people: number;
        /** seats that somebody holds */
        taken: number;
        /** the most keys there can be */
        keys: number;
        /** requests a second */
        rate: number;
      };
      seats: {
        person?: string;
        /** the app's own key, of an app that is for nobody in particular */
        npub?: string;
        /** of such an app */
        name?: string;
        /** that the person used */
        apps: number;
        /** the day on which something was allowed last */
        last: string;
        /** more than 10 apps: are several people named alike? */
        many?: boolean;
      }[];
      /** there are more than are listed */
      more?: boolean;
    };
  };

  /** Ends a session from afar. */
  "session.end": {
    params: {
      /** its id, from session.list */
      session: string;
    };
    result: {
      ended: number;
    };
  };

  /** Lists who is logged in from afar: yourself, and for an owner everybody. */
  "session.list": {
    params: Record<string, never>;
    result: {
      sessions: {
        id: string;
        device: string;
        label: string;
        /** an npub, or local */
        person: string;
        /** no: it may only ask to be confirmed */
        confirmed: boolean;
        opened_at: string;
        last_at: string;
        until: string;
      }[];
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
      /** passphrase, file, credential, command; provider: of a bunker that others host, opened by their own */
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
        /** passphrase, file, credential, command or provider */
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
        /** passphrase, file, credential, command or provider */
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
        /** passphrase, file, credential, command or provider */
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
      /** the other copy of this bunker that it was stopped for */
      copy?: {
        /** number of its incarnation */
        life: number;
        incarnation: string;
        /** the process that said it */
        instance: string;
        at: string;
      };
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
        /** ids: the role is for these keys only; none: the whole bunker */
        keys?: string[];
        added_by: string;
        /** when the role begins */
        active_at: string;
        /** its scripts may send commands over HTTP */
        script?: boolean;
        /** another one after each change; for if_version */
        version: number;
        /** until then the first nsecBunker's admin protocol may be used */
        legacy_until?: string;
      }[];
      connection_string?: string;
      /** where the admin app is served, this machine's own address first */
      admin_pages?: string[];
      /** this is the bunker of whoever hosts others here */
      provider?: boolean;
      /** the bunkers that are hosted here; in the provider's own alone */
      guests?: {
        /** served here */
        all: number;
        /** whose root key is in memory, on one of the instances */
        open: number;
        /** that wait to be opened with the house, or are being opened; whoever is asked for is opened at once */
        opening: number;
      };
      /** others host this bunker: its machine is its provider's */
      guest?: boolean;
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
      /** when somebody last gave the passphrase as one who knows it */
      passphrase_known?: string;
      memory: {
        /** bytes */
        used: number;
        /** bytes */
        size: number;
        /** no: secrets could be written to swap */
        locked: boolean;
      };
      /** what the provider lets this bunker use; none in a bunker of one's own */
      quota?: {
        /** seats */
        people: number;
        /** seats that somebody holds */
        taken: number;
        /** the most keys there can be */
        keys: number;
        /** requests a second */
        rate: number;
      };
      /** what this hosted bunker is paid for; none where it was not bought */
      plan?: {
        /** how many may sign */
        people: number;
        /** it is paid until then */
        until: string;
        trial?: boolean;
        /** paid, grace (everything works), read-only, or notice (read-only, and a day is named on which it is deleted) */
        stage: string;
        /** when a bunker in grace becomes read-only, or one that is read-only is told of its deletion */
        next?: string;
        /** when it is deleted at the earliest */
        delete_at?: string;
        /** the time for the first reminder has come */
        soon?: boolean;
      };
      warnings?: string[];
    };
  };

  /** Stops everything: locks every key, suspends every connection. Works while sealed, too. */
  "stop": {
    params: Record<string, never>;
    result: {
      warnings?: string[];
    };
  };

  /** Ends a stop. Keys stay locked and connections suspended until they are brought back one by one. After a stop for another copy of this bunker it says that this one is the right one: the copy stops when it hears of it. */
  "stop.end": {
    params: Record<string, never>;
    result: Record<string, never>;
  };

  /** Makes a bunker for somebody else: its connection string, and the setup code that is shown once. */
  "tenant.add": {
    params: {
      /** your word for it */
      label?: string;
      /** npubs of those who may set it up; none: whoever has the setup code */
      admins?: string[];
      /** what it is made for: for one order there is one bunker, however often this is called */
      order?: string;
      /** how many may sign; of people, keys and rate none: no bound at all */
      people?: number;
      /** how many keys there may be (10) */
      keys?: number;
      /** requests a second, in the long run (50) */
      rate?: number;
    };
    result: {
      tenant: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      };
      /** with it the first owner sets the bunker up; not shown again */
      setup_code?: string;
      /** it was made before, for the same order */
      again?: boolean;
    };
  };

  /** Writes one bunker that is hosted here, encrypted with age, to a new file on this machine. What is in it opens with its own passphrase alone. */
  "tenant.backup": {
    params: {
      id: string;
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
    };
  };

  /** Makes the setup code of a bunker anew that nobody has set up yet. It is shown once; the old one is good for nothing. */
  "tenant.code": {
    params: {
      id: string;
    };
    result: {
      setup_code: string;
      connection_string: string;
    };
  };

  /** Ends a bunker and erases it: keys, log and all. It must have been suspended or read-only for 24 hours, or never set up. */
  "tenant.end": {
    params: {
      id: string;
    };
    result: {
      /** what is kept of it */
      stays: string;
      warnings?: string[];
    };
  };

  /** Lists the bunkers that are hosted here, and those that have ended. */
  "tenant.list": {
    params: {
      /** id of the last one that was shown */
      after?: string;
    };
    result: {
      tenants: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      }[];
      next?: string;
    };
  };

  /** Says what a bunker may use: people, keys, requests a second. Of one that was bought it stands, also when it is renewed, until it is bought for another number of people or as_bought undoes it. */
  "tenant.quota": {
    params: {
      id: string;
      /** how many may sign; of people, keys and rate none: no bound at all */
      people?: number;
      /** how many keys there may be (10) */
      keys?: number;
      /** requests a second, in the long run (50) */
      rate?: number;
      /** what its people bought, and nothing that was set by hand */
      as_bought?: boolean;
    };
    result: {
      tenant: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      };
    };
  };

  /** Takes in a bunker out of such a file, or out of its owner's export: its keys are locked and its apps suspended until its owner has looked. */
  "tenant.restore": {
    params: {
      /** a whole path, of the file on this machine */
      path: string;
      /** opens the file */
      passphrase?: string;
      /** an age identity (AGE-SECRET-KEY-1…), in place of a passphrase */
      identity?: string;
      /** your word for it */
      label?: string;
      /** how many may sign; of people, keys and rate none: no bound at all */
      people?: number;
      /** how many keys there may be (10) */
      keys?: number;
      /** requests a second, in the long run (50) */
      rate?: number;
    };
    result: {
      tenant: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      };
    };
  };

  /** Lets a bunker work again. */
  "tenant.resume": {
    params: {
      id: string;
    };
    result: {
      tenant: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      };
    };
  };

  /** Shows one bunker that is hosted here: nothing of its keys, apps or people. */
  "tenant.show": {
    params: {
      id: string;
    };
    result: {
      tenant: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      };
    };
  };

  /** Suspends a bunker, or makes it read-only: nothing is signed, its people can look, export and revoke, and all are told so. */
  "tenant.suspend": {
    params: {
      id: string;
      /** its people are told */
      why: string;
      /** until it is renewed; else it counts as suspended by you */
      read_only?: boolean;
    };
    result: {
      tenant: {
        id: string;
        label: string;
        /** waiting (made, not set up), active, read-only, suspended or ended */
        state: string;
        /** what it was made for */
        order?: string;
        /** of the state, as its people are told */
        why?: string;
        created_at: string;
        /** since when it does not work */
        held_at?: string;
        ended_at?: string;
        connection_string?: string;
        /** its root key is in memory, on one of the instances */
        open: boolean;
        /** none of the bounds counts */
        unlimited?: boolean;
        /** how many may sign */
        people: number;
        /** how many keys there may be */
        keys: number;
        /** requests a second, in the long run */
        rate: number;
        /** the provider set it himself; it was bought with something else, or the same */
        by_hand?: boolean;
      };
    };
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
      /** name or id of a policy to put the app under; perms are beside it */
      policy?: string;
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
      /** name */
      policy?: string;
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
        /** name of the policy that it puts apps under */
        policy?: string;
        /** open, spent, revoked or expired */
        state: string;
        uses: number;
        max_uses: number;
        expires_at?: string;
        grant_for?: string;
        created_by: string;
        created_at: string;
        /** another one after each change; for if_version */
        version: number;
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
        /** name of the policy that it puts apps under */
        policy?: string;
        /** open, spent, revoked or expired */
        state: string;
        uses: number;
        max_uses: number;
        expires_at?: string;
        grant_for?: string;
        created_by: string;
        created_at: string;
        /** another one after each change; for if_version */
        version: number;
      };
    };
  };

  /** Shows a token, and the connections that were made with it. */
  "token.show": {
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
        /** name of the policy that it puts apps under */
        policy?: string;
        /** open, spent, revoked or expired */
        state: string;
        uses: number;
        max_uses: number;
        expires_at?: string;
        grant_for?: string;
        created_by: string;
        created_at: string;
        /** another one after each change; for if_version */
        version: number;
      };
      /** made with it, or brought back by it, the oldest first */
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
        /** relays that it is told to use when it asks; none: the bunker's */
        switch_to?: string[];
        /** when it is active again by itself */
        resume_at?: string;
        /** what the app says of itself; nobody verified it */
        app?: {
          name?: string;
          url?: string;
        };
        expires_at?: string;
        created_at: string;
        last_used?: string;
        uses: number;
        /** another one after each change; for if_version */
        version: number;
      }[];
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
  "admin.accept": { role: "none", dangerous: false, whileSealed: false, writes: true, doors: ["relay"] },
  "admin.add": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "admin.invite": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "admin.invites": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "admin.legacy": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "admin.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "admin.remove": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "admin.script": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "admin.self": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "admin.uninvite": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "approval.answer": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "dm", "relay", "legacy", "http"] },
  "approval.answered": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "approval.batch": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "approval.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "approval.set": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "approval.settings": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "approval.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "audit.checkpoint": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "system", "relay", "http"] },
  "audit.count": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["relay", "http"] },
  "audit.export": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "audit.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "audit.verify": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "backup.create": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "backup.export": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "clock.accept": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "connect": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.grant": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "legacy", "http"] },
  "connection.person": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.regrant": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.relays": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.rename": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.resume": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.review": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.revoke": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "legacy", "http"] },
  "connection.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "legacy", "http"] },
  "connection.suspend": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "connection.ungrant": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "copy.older": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["system"] },
  "copy.stop": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["system"] },
  "device.confirm": { role: "viewer", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "device.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay"] },
  "device.pair": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "device.refuse": { role: "viewer", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "device.revoke": { role: "viewer", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "device.wait": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay"] },
  "instance.check": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "system", "relay", "http"] },
  "instance.drain": { role: "owner", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "system"] },
  "instance.list": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "system"] },
  "key.add": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.baseline": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.delete": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "key.export": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "key.guard": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "key.import": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "key.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "legacy", "http"] },
  "key.lock": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.no_export": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.passphrase.remove": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "key.passphrase.set": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "key.pause": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.picture": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["relay"] },
  "key.profile.check": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "key.profile.set": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.profile.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "key.purge": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["system"] },
  "key.relays.check": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "key.relays.set": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.relays.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "key.rename": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.restore": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.resume": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.set": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "key.unlock": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.version.restore": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "key.version.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "key.versions": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "leave": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "login.close": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "login.expect": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "notify.add": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "notify.key": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "notify.list": { role: "operator", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "relay", "http"] },
  "notify.remove": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "notify.set": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "notify.test": { role: "operator", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "relay", "http"] },
  "order.list": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "order.refund": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "order.retry": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "order.show": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "passphrase.change": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "passphrase.check": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "person.forget": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "picture.set": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "picture.settings": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "plan.list": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "plan.order": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "plan.quote": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "plan.renew": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "plan.show": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "policy.check": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["relay", "http"] },
  "policy.create": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "policy.delete": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "policy.edit": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "policy.explain": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "policy.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "legacy", "http"] },
  "policy.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "legacy", "http"] },
  "policy.simulate": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "policy.versions": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "quorum.approve": { role: "approver", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "quorum.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "quorum.set": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "quorum.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "quorum.withdraw": { role: "approver", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "relay.add": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "relay.list": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "relay", "http"] },
  "relay.purge": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["system"] },
  "relay.remove": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "seal": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "system", "relay", "http"] },
  "seat.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "session.end": { role: "viewer", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "session.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay"] },
  "setup": { role: "owner", dangerous: false, whileSealed: true, writes: true, doors: ["socket", "system", "relay"] },
  "slot.add": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "slot.list": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "relay", "http"] },
  "slot.remove": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "status": { role: "viewer", dangerous: false, whileSealed: true, writes: false, doors: ["socket", "system", "relay", "http"] },
  "stop": { role: "approver", dangerous: false, whileSealed: true, writes: true, doors: ["socket", "relay", "http"] },
  "stop.end": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "tenant.add": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "tenant.backup": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket"] },
  "tenant.code": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "tenant.end": { role: "owner", dangerous: true, whileSealed: false, writes: true, doors: ["socket", "relay"] },
  "tenant.list": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "tenant.quota": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "tenant.restore": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket"] },
  "tenant.resume": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "tenant.show": { role: "owner", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "tenant.suspend": { role: "owner", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "token.create": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "token.list": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "legacy", "http"] },
  "token.revoke": { role: "operator", dangerous: false, whileSealed: false, writes: true, doors: ["socket", "relay", "http"] },
  "token.show": { role: "viewer", dangerous: false, whileSealed: false, writes: false, doors: ["socket", "relay", "http"] },
  "unseal": { role: "viewer", dangerous: false, whileSealed: true, writes: true, doors: ["socket", "system", "relay"] },
} as const satisfies Record<keyof Commands, Row>;
