/** Long names are shortened in the middle: beginnings and ends tell runs apart. */
export const middle = (text: string, most = 36): string =>
  text.length > most ? `${text.slice(0, Math.ceil(0.58 * (most - 1)))}…${text.slice(-Math.floor(0.42 * (most - 1)))}` : text;
