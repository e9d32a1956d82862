import type { FactValue, Purpose } from '../model/question.ts';
import type { Text } from '../model/text.ts';

/**
 * `word`: one of `values`. `countries`, `names`: lists. `name`: any one word. `level`: 0 to 3.
 * `text`: for people only, the adviser does not look at it.
 */
export type FactKind = 'word' | 'countries' | 'names' | 'name' | 'level' | 'text';

/** What a fact may be about, and how it is said. */
export interface FactSpec {
  readonly kind: FactKind;
  /** The values of a `word`. */
  readonly values?: readonly string[];
  readonly label: Text;
  /** A whole clause for each value, after `if`: `the messages of {service} are end-to-end encrypted`. */
  readonly says?: Readonly<Record<string, Text>>;
}

const YES_NO = ['yes', 'no'] as const;

function yesNo(label: Text, yes: Text, no: Text): FactSpec {
  return { kind: 'word', values: YES_NO, label, says: { yes, no } };
}

function text(en: string, ja: string): FactSpec {
  return { kind: 'text', label: { en, ja } };
}

/** Every fact that a catalogue or a question may state. `offered:GB` is one too: `offered:` and a country. */
export const FACTS: Readonly<Record<string, FactSpec>> = {
  operator: {
    kind: 'names',
    label: { en: 'who runs it', ja: '運用者' },
    says: {
      any: {
        en: '{service} is run by somebody else than the others',
        ja: '{service}の運用者が他と異なる',
      },
    },
  },
  jurisdiction: {
    kind: 'countries',
    label: { en: 'countries whose law binds the operator', ja: '運用者を縛る法の国' },
    says: {
      any: {
        en: 'the operator of {service} is under the law of {country}',
        ja: '{service}の運用者が{country}の法の下にある',
      },
    },
  },
  reviewed: yesNo(
    { en: 'open, peer-reviewed protocol and ciphers', ja: '公開され検証された方式と暗号' },
    {
      en: 'the protocol of {service} is open and peer reviewed',
      ja: '{service}の方式が公開され専門家に検証されている',
    },
    {
      en: 'the protocol of {service} is not open and peer reviewed',
      ja: '{service}の方式が公開も検証もされていない',
    },
  ),
  'own-app': yesNo(
    { en: 'has an app of its own', ja: '専用のアプリがある' },
    { en: '{service} has an app of its own', ja: '{service}に専用のアプリがある' },
    { en: '{service} is part of the device', ja: '{service}が機器の一部である' },
  ),
  'app-open': yesNo(
    { en: 'source of the app is open', ja: 'アプリのソースが公開' },
    {
      en: 'the source of the app of {service} is open',
      ja: '{service}のアプリのソースが公開されている',
    },
    {
      en: 'the source of the app of {service} is closed',
      ja: '{service}のアプリのソースが非公開である',
    },
  ),
  'app-reproducible': yesNo(
    {
      en: 'others can rebuild the same app from its source',
      ja: 'ソースから同じアプリを作り直せる',
    },
    {
      en: 'others rebuild the same app of {service} from its source',
      ja: '{service}のアプリをソースから作り直して比べられる',
    },
    {
      en: 'nobody rebuilds the app of {service} from its source',
      ja: '{service}のアプリをソースから作り直して比べられない',
    },
  ),
  'app-maker': {
    kind: 'countries',
    label: {
      en: 'countries whose law binds the maker of the app',
      ja: 'アプリの作り手を縛る法の国',
    },
    says: {
      any: {
        en: 'the maker of the app of {service} is under the law of {country}',
        ja: '{service}のアプリの作り手が{country}の法の下にある',
      },
    },
  },
  conspicuous: yesNo(
    { en: 'a watcher can tell that it is used', ja: '使っていることが見て取れる' },
    {
      en: 'a watcher can tell that {service} is used',
      ja: '{service}を使っていることが見て取れる',
    },
    {
      en: 'a watcher cannot tell that {service} is used',
      ja: '{service}を使っていることが見て取れない',
    },
  ),
  'link-encrypted': yesNo(
    { en: 'encrypted on the way', ja: '通信路で暗号化' },
    { en: '{service} encrypts what is on the way', ja: '{service}が通信路を暗号化している' },
    {
      en: '{service} does not encrypt what is on the way',
      ja: '{service}が通信路を暗号化していない',
    },
  ),
  e2ee: yesNo(
    { en: 'end-to-end encrypted', ja: '端から端まで暗号化' },
    { en: '{service} is end-to-end encrypted', ja: '{service}が端から端まで暗号化されている' },
    {
      en: '{service} is not end-to-end encrypted',
      ja: '{service}が端から端まで暗号化されていない',
    },
  ),
  'keeps-contacts': yesNo(
    { en: 'keeps who talks to whom', ja: '誰が誰と話したかを残す' },
    { en: '{service} keeps who talks to whom', ja: '{service}が誰と誰が話したかを残している' },
    {
      en: '{service} does not keep who talks to whom',
      ja: '{service}が誰と誰が話したかを残していない',
    },
  ),
  'cloud-copy': {
    kind: 'word',
    values: ['none', 'sealed', 'readable'],
    label: {
      en: 'copy in the cloud backup of the device',
      ja: '機器のクラウドバックアップに残る写し',
    },
    says: {
      none: {
        en: '{service} leaves no copy in a cloud backup',
        ja: '{service}がクラウドバックアップに写しを残さない',
      },
      sealed: {
        en: 'the copy of {service} in a cloud backup is end-to-end encrypted',
        ja: '{service}のクラウドの写しが端から端まで暗号化されている',
      },
      readable: {
        en: 'the copy of {service} in a cloud backup can be read there',
        ja: '{service}のクラウドの写しがそこで読める',
      },
    },
  },
  'cloud-copy-operator': {
    kind: 'names',
    label: { en: 'who runs the cloud that holds the copy', ja: '写しを預かるクラウドの運用者' },
    says: {
      any: {
        en: 'the cloud copy of {service} is run by somebody else than the others',
        ja: '{service}のクラウドの写しの運用者が他と異なる',
      },
    },
  },
  'cloud-copy-jurisdiction': {
    kind: 'countries',
    label: { en: 'countries whose law binds that cloud', ja: 'そのクラウドを縛る法の国' },
    says: {
      any: {
        en: 'the cloud that holds the copy of {service} is under the law of {country}',
        ja: '{service}の写しを預かるクラウドが{country}の法の下にある',
      },
    },
  },
  transient: yesNo(
    { en: 'leaves no copy anywhere', ja: 'どこにも写しを残さない' },
    { en: '{service} leaves no copy', ja: '{service}が写しを残さない' },
    { en: '{service} leaves a copy', ja: '{service}が写しを残す' },
  ),
  'held-by': {
    kind: 'word',
    values: ['operator', 'own'],
    label: { en: 'who has the storage', ja: '保管場所を持つ人' },
    says: {
      operator: {
        en: 'the storage of {service} belongs to somebody else',
        ja: '{service}の保管場所が他人のものである',
      },
      own: {
        en: 'the storage of {service} is your own',
        ja: '{service}の保管場所が自分のものである',
      },
    },
  },
  'keys-held-by': {
    kind: 'word',
    values: ['own', 'operator'],
    label: { en: 'who holds the keys', ja: '鍵を持つ人' },
    says: {
      own: { en: 'only you hold the keys of {service}', ja: '{service}の鍵を本人だけが持っている' },
      operator: {
        en: 'the operator of {service} holds the keys',
        ja: '{service}の鍵を運用者が持っている',
      },
    },
  },
  'recovery-by': {
    kind: 'word',
    values: ['none', 'own', 'operator'],
    label: { en: 'who can recover the data for you', ja: '復旧できる人' },
    says: {
      none: {
        en: 'nobody can recover the data of {service}',
        ja: '{service}のデータを誰も復旧できない',
      },
      own: {
        en: 'only you can recover the data of {service}',
        ja: '{service}のデータを本人だけが復旧できる',
      },
      operator: {
        en: 'the operator of {service} can recover the data',
        ja: '{service}のデータを運用者が復旧できる',
      },
    },
  },
  'keeps-log': yesNo(
    { en: 'keeps a log of look-ups', ja: '問い合わせの記録を残す' },
    { en: '{service} keeps a log of look-ups', ja: '{service}が問い合わせの記録を残している' },
    { en: '{service} keeps no log of look-ups', ja: '{service}が問い合わせの記録を残していない' },
  ),
  'sees-you': yesNo(
    { en: 'sees both who asks and what', ja: '誰が何を尋ねたかの両方が見える' },
    {
      en: '{service} sees both who asks and what',
      ja: '{service}に誰が何を尋ねたかの両方が見える',
    },
    { en: '{service} does not see who asks', ja: '{service}に誰が尋ねたかが見えない' },
  ),
  'hides-destination': yesNo(
    { en: 'hides where the connection goes', ja: '接続先を隠す' },
    { en: '{service} hides where you connect to', ja: '{service}が接続先を隠す' },
    { en: '{service} does not hide where you connect to', ja: '{service}が接続先を隠さない' },
  ),
  tee: yesNo(
    { en: 'runs in a trusted execution environment', ja: '信頼できる実行環境（TEE）で動く' },
    {
      en: '{service} runs in a trusted execution environment',
      ja: '{service}が信頼できる実行環境（TEE）で動く',
    },
    {
      en: '{service} runs without a trusted execution environment',
      ja: '{service}が信頼できる実行環境（TEE）なしで動く',
    },
  ),
  'cpu-vendor': {
    kind: 'name',
    label: { en: 'maker of the processor', ja: 'CPUの作り手' },
    says: {
      any: {
        en: 'the processor of {service} is made by {value}',
        ja: '{service}のCPUの作り手が{value}である',
      },
    },
  },
  'cpu-generation': {
    kind: 'name',
    label: { en: 'generation of the processor', ja: 'CPUの世代' },
    says: {
      any: {
        en: 'the processor of {service} is of generation {value}',
        ja: '{service}のCPUの世代が{value}である',
      },
    },
  },
  'known-hole': yesNo(
    { en: 'a hole in this processor is known', ja: 'このCPUに知られた穴がある' },
    { en: 'a hole in the processor of {service} is known', ja: '{service}のCPUに知られた穴がある' },
    {
      en: 'no hole in the processor of {service} is known',
      ja: '{service}のCPUに知られた穴がない',
    },
  ),
  'runtime-open': yesNo(
    { en: 'source of the runtime is open', ja: '実行系のソースが公開' },
    {
      en: 'the source of the runtime of {service} is open',
      ja: '{service}の実行系のソースが公開されている',
    },
    {
      en: 'the source of the runtime of {service} is closed',
      ja: '{service}の実行系のソースが非公開である',
    },
  ),
  place: {
    kind: 'word',
    values: ['software', 'tee', 'hsm'],
    label: { en: 'where keys are kept', ja: '鍵の置き場所' },
    says: {
      software: { en: '{service} keeps keys in software', ja: '{service}が鍵をソフトウェアに置く' },
      tee: {
        en: '{service} keeps keys in a trusted execution environment',
        ja: '{service}が鍵をTEEに置く',
      },
      hsm: {
        en: '{service} keeps keys in a hardware security module',
        ja: '{service}が鍵をHSMに置く',
      },
    },
  },
  'tamper-protected': yesNo(
    { en: 'destroys its keys when opened', ja: '開けられると鍵を壊す' },
    { en: '{service} destroys its keys when opened', ja: '{service}が開けられると鍵を壊す' },
    {
      en: '{service} has no protection against being opened',
      ja: '{service}に開けられることへの保護がない',
    },
  ),
  hosted: yesNo(
    { en: 'stands at somebody else’s', ja: '他人の所に置かれる' },
    { en: '{service} stands at somebody else’s', ja: '{service}が他人の所に置かれている' },
    { en: '{service} stands at your own place', ja: '{service}が自分の所に置かれている' },
  ),
  effort: { kind: 'level', label: { en: 'effort', ja: '手間' } },
  'cost-money': { kind: 'level', label: { en: 'cost: money', ja: '費用：お金' } },
  'cost-inconvenience': { kind: 'level', label: { en: 'cost: inconvenience', ja: '費用：不便' } },
  'cost-legal': { kind: 'level', label: { en: 'cost: legal', ja: '費用：法律' } },
  'cost-political': { kind: 'level', label: { en: 'cost: political', ja: '費用：政治的圧力' } },
  audit: text('independent audit', '第三者の監査'),
  class: {
    kind: 'word',
    values: ['cloud', 'edge', 'iot', 'blockchain', 'ai'],
    label: { en: 'class of the host', ja: 'ホストの種類' },
  },
  certification: text('certification', '認証'),
  contract: text('contract', '契約'),
  coverage: text('what is covered', '対象になるもの'),
  disclosure: text('what it gives on legal demand', '法的な求めに渡すもの'),
  exceptions: text('exceptions', '例外'),
  headers: text('headers', 'ヘッダー'),
  history: text('history', '履歴'),
  'key-custody': text('custody of keys', '鍵の保管'),
  leak: text('known leak', '知られた漏れ'),
  legal: text('legal process', '法的手続き'),
  logs: text('logs', '記録'),
  metadata: text('metadata', 'メタデータ'),
  'not-covered': text('what is not covered', '対象にならないもの'),
  'protocol-analysis': text('analysis of the protocol', '方式の分析'),
  requests: text('requests it has met', '応じた求め'),
  'server-open': text('source of the server', 'サーバーのソース'),
  'still-visible': text('what stays visible', '見えたままのもの'),
  unblocks: text('whether it gets round blocking', '遮断を越えるか'),
  why: text('why it is so', 'そうなっている理由'),
};

/** The facts of a purpose that the adviser reads. */
const USED: Readonly<Record<Purpose, readonly string[]>> = {
  store: [
    'operator',
    'jurisdiction',
    'reviewed',
    'own-app',
    'app-open',
    'app-reproducible',
    'app-maker',
    'conspicuous',
    'link-encrypted',
    'e2ee',
    'held-by',
    'keys-held-by',
    'recovery-by',
  ],
  send: [
    'operator',
    'jurisdiction',
    'reviewed',
    'own-app',
    'app-open',
    'app-reproducible',
    'app-maker',
    'conspicuous',
    'link-encrypted',
    'e2ee',
    'keeps-contacts',
    'cloud-copy',
    'cloud-copy-operator',
    'cloud-copy-jurisdiction',
    'transient',
  ],
  resolve: [
    'operator',
    'jurisdiction',
    'reviewed',
    'conspicuous',
    'link-encrypted',
    'keeps-log',
    'sees-you',
    'hides-destination',
  ],
  run: [
    'operator',
    'jurisdiction',
    'tee',
    'cpu-vendor',
    'cpu-generation',
    'known-hole',
    'runtime-open',
  ],
  'keep-key': ['operator', 'jurisdiction', 'place', 'tamper-protected', 'hosted', 'reviewed'],
};

/** The facts of a purpose that the adviser looks at, beside effort, costs and `offered:…`. */
export function factsFor(purpose: Purpose): readonly string[] {
  return USED[purpose];
}

const OFFERED: FactSpec = {
  kind: 'word',
  values: YES_NO,
  label: { en: 'new users can have it', ja: '新しく使い始められる' },
  says: {
    yes: {
      en: 'new users in {country} can have {service}',
      ja: '{country}で{service}を新しく使い始められる',
    },
    no: {
      en: 'new users in {country} cannot have {service}',
      ja: '{country}で{service}を新しく使い始められない',
    },
  },
};

/** What a fact may be, or `undefined` when nobody has heard of it. */
export function factSpec(fact: string): FactSpec | undefined {
  if (/^offered:[A-Z]{2}$/.test(fact)) return OFFERED;
  return Object.hasOwn(FACTS, fact) ? FACTS[fact] : undefined;
}

/** Whether a value fits a fact. */
export function fits(spec: FactSpec, value: FactValue): boolean {
  switch (spec.kind) {
    case 'word':
      return typeof value === 'string' && spec.values?.includes(value) === true;
    case 'countries':
      return Array.isArray(value) && value.every((each) => /^[A-Z]{2}$/.test(String(each)));
    case 'names':
      return Array.isArray(value) && value.every((each) => /^[a-z0-9.-]{1,64}$/.test(String(each)));
    case 'name':
      return typeof value === 'string' && value.length > 0 && value.length <= 64;
    case 'level':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 3;
    case 'text':
      return typeof value === 'string';
  }
}

/** What values a fact may have, in words. */
export function shape(spec: FactSpec): string {
  switch (spec.kind) {
    case 'word':
      return `one of: ${(spec.values ?? []).join(', ')}, unknown`;
    case 'countries':
      return 'a list of countries in two capital letters, or unknown';
    case 'names':
      return 'a list of names in lower case, or unknown';
    case 'name':
      return 'a name, or unknown';
    case 'level':
      return 'a whole number from 0 to 3';
    case 'text':
      return 'a text';
  }
}
