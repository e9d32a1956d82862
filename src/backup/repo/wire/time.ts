/**
 * Times as Go's encoding/json writes them: RFC 3339 with up to nine digits after the second,
 * trailing zeros cut, in the local zone. Inside, a time is nanoseconds since 1970.
 */

const DAY = 86_400;
const BILLION = 1_000_000_000n;

/** Days since 1970 of a date of the proleptic Gregorian calendar. */
export function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

function dateOf(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  const realMonth = month < 10 ? month + 3 : month - 9;
  const year = yearOfEra + era * 400 + (realMonth <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}-${two(realMonth)}-${two(day)}`;
}

/** Minutes east of Greenwich at a moment; asked for in steps of 15 minutes and remembered. */
const offsets = new Map<number, number>();

function localOffset(seconds: number): number {
  const quarter = Math.floor(seconds / 900);
  let offset = offsets.get(quarter);
  if (offset === undefined) {
    if (offsets.size > 100_000) offsets.clear();
    offset = -Math.round(new Date(seconds * 1000).getTimezoneOffset());
    offsets.set(quarter, offset);
  }
  return offset;
}

let lastDay = Number.NaN;
let lastDate = '';

/** The earliest and the latest second whose year has four digits in every zone. */
const FIRST = daysOf(0, 1, 2) * DAY;
const LAST = daysOf(9999, 12, 31) * DAY;

/**
 * RFC 3339 of whole seconds since 1970 and nanoseconds of the second. Years before 0 and after 9999
 * are moved into that range, as restic does.
 * @param offset minutes east of Greenwich; the local zone's when left out
 */
export function formatTime(seconds: number, nanoseconds: number, offset?: number): string {
  const inRange = seconds < FIRST ? FIRST : seconds > LAST ? LAST : seconds;
  const zone = offset ?? localOffset(inRange);
  const local = inRange + zone * 60;
  const day = Math.floor(local / DAY);
  if (day !== lastDay) {
    lastDate = dateOf(day);
    lastDay = day;
  }
  const second = local - day * DAY;
  const hours = Math.floor(second / 3600);
  const minutes = Math.floor((second - hours * 3600) / 60);
  const clock = `${two(hours)}:${two(minutes)}:${two(second - hours * 3600 - minutes * 60)}`;
  const fraction =
    nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  const away = Math.abs(zone);
  const suffix =
    zone === 0 ? 'Z' : `${zone < 0 ? '-' : '+'}${two(Math.floor(away / 60))}:${two(away % 60)}`;
  return `${lastDate}T${clock}${fraction}${suffix}`;
}

/** `formatTime` of nanoseconds since 1970. */
export function formatNanoseconds(time: bigint, offset?: number): string {
  let seconds = time / BILLION;
  let rest = time % BILLION;
  if (rest < 0n) {
    rest += BILLION;
    seconds -= 1n;
  }
  return formatTime(Number(seconds), Number(rest), offset);
}

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,40}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** A time taken apart: nanoseconds since 1970, and the zone in minutes east of Greenwich. */
export interface ParsedTime {
  readonly time: bigint;
  readonly offset: number;
}

/** @returns `undefined` when it is no RFC 3339 time */
export function parseTime(text: string): ParsedTime | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const zoneHours = Number(match[9] ?? 0);
  const zoneMinutes = Number(match[10] ?? 0);
  if (zoneHours > 24 || zoneMinutes > 59) return undefined;
  const offset = (match[8] === '-' ? -1 : 1) * (zoneHours * 60 + zoneMinutes) || 0;
  const seconds = daysOf(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset * 60;
  const nanoseconds = (match[7] ?? '').slice(0, 9).padEnd(9, '0');
  return { time: BigInt(seconds) * BILLION + BigInt(nanoseconds), offset };
}

/** Whether two RFC 3339 texts name the same moment, in whatever zones. */
export function sameTime(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseTime(a);
  return left !== undefined && left.time === parseTime(b)?.time;
}
