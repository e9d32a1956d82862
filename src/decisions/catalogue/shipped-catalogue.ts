import shipped from './shipped.json' with { type: 'json' };
import type { Catalogue } from './catalogue.ts';
import { checkCatalogue } from './read-catalogue.ts';

let catalogue: Catalogue | undefined;

/** The catalogue that comes with Strongroom, read and checked once. */
export function shippedCatalogue(): Catalogue {
  catalogue ??= checkCatalogue(shipped, 'the shipped catalogue');
  return catalogue;
}
