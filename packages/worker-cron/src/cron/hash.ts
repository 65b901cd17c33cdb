/**
 * A number from 0 up to but without `size` that is always the same for the same text: FNV-1a, finished as
 * in MurmurHash3, as FNV alone spreads texts that differ in their last letter badly.
 */
export function stableHash(text: string, size: number): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % size;
}
