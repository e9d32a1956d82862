import { isExpired } from '../catalogue/catalogue.ts';
import type { CatalogueIndex } from '../catalogue/catalogue.ts';
import { DecisionsError } from '../errors.ts';
import type { FactValue, Question, Use } from '../model/question.ts';

/**
 * Holds a question against the catalogue: services must be there and be for this purpose, and what
 * the question says must not contradict a fact that is known. To doubt a fact (`unknown`) is always
 * allowed; to know better is for a catalogue of one's own, with a source.
 * @throws {DecisionsError} QUESTION_INVALID
 */
export function checkAgainst(question: Question, index: CatalogueIndex, now: string): void {
  for (const option of question.options) {
    const uses = 'use' in option ? [option.use] : option.split.map((each) => each.use);
    for (const use of uses) checkUse(question, index, now, option.id, use);
  }
}

function checkUse(
  question: Question,
  index: CatalogueIndex,
  now: string,
  option: string,
  use: Use,
): void {
  if (use.service === undefined) return;
  const service = index.service(use.service);
  if (service === undefined) {
    throw invalid(
      `option \`${option}\` names \`${use.service}\`, which is not in the catalogue`,
      'strongroom decide catalogue lists the services; leave `service` out and give `facts` for one of your own',
    );
  }
  if (!service.purposes.includes(question.purpose)) {
    throw invalid(
      `option \`${option}\`: \`${service.id}\` is for ${service.purposes.join(', ')}, and the purpose is ${question.purpose}`,
    );
  }
  for (const [name, said] of Object.entries(use.facts)) {
    const known = index.fact(service, name);
    if (known === undefined || said === 'unknown' || typeof said === 'number') continue;
    if (known.value === 'unknown' || (isExpired(known, now) && !known.fixed)) continue;
    if (!same(known.value as FactValue, said)) {
      throw invalid(
        `option \`${option}\` says that \`${name}\` of \`${service.id}\` is ${shown(said)}, and the catalogue says ${shown(known.value as FactValue)} (${known.source}, ${known.asOf})`,
        known.fixed
          ? 'this fact cannot be changed'
          : 'state it in a catalogue of your own, with its source',
      );
    }
  }
}

function same(one: FactValue, other: FactValue): boolean {
  return shown(one) === shown(other);
}

function shown(value: FactValue): string {
  return typeof value === 'object' ? `[${value.join(', ')}]` : `\`${value}\``;
}

function invalid(message: string, mend?: string): DecisionsError {
  return new DecisionsError('QUESTION_INVALID', message, {
    duty: 'usage',
    ...(mend === undefined ? {} : { mend }),
  });
}
