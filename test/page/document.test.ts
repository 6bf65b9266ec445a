// A page of anything: self-contained, and nothing that is put into it is taken for markup.
import test from 'ava';
import { formatDocument, type PageParts } from '../../src/page/document.js';
import { markup } from '../../src/page/markup.js';

const parts: PageParts = {
  title: 'Fruit of the year',
  command: 'fruit show',
  lead: 'What there is.',
  tiles: [{ title: 'Heaviest', figure: '1.20', unit: 'kg', detail: 'melon' }],
  sections: [
    { id: 'one', title: 'One', text: 'The first.', content: markup`<p>1</p>` },
    { id: 'two', title: 'Two', content: markup`<p>2</p>` },
  ],
  footer: 'fruit 1.0',
  data: { fruit: ['</script><script>alert(1)</script>'] },
};

test('sections stand in their order, each with a link to it', (t) => {
  const page = formatDocument(parts);
  t.true(page.includes('<nav aria-label="Sections"><a href="#one">One</a><a href="#two">Two</a></nav>'));
  t.true(page.includes('<section id="one"><h2>One</h2><p>The first.</p><p>1</p></section>'));
  t.true(page.includes('<section id="two"><h2>Two</h2><p>2</p></section>'));
  t.true(page.indexOf('id="one"') < page.indexOf('id="two"'));
});

test('the data are in the page as JSON that ends no element', (t) => {
  const page = formatDocument(parts);
  const [, json] = /<script type="application\/json" id="results">([^]*?)<\/script>/.exec(page)!;
  t.deepEqual(JSON.parse(json!), parts.data);
  t.is(page.match(/<script/g)?.length, 2);
  t.true(page.includes('download="fruit-of-the-year.json"'));
});

test('a warning stands above the figures, and the command above the title only where it is another', (t) => {
  const [header] = formatDocument({ ...parts, warnings: ['Rotten <ones> too.'] }).split('</header>');
  t.regex(header!, /<p class="warning" role="note">Rotten &lt;ones&gt; too\.<\/p>[^]*<dl class="tiles">/);
  t.true(header!.includes('<p class="eyebrow">fruit show</p>'));
  t.notRegex(formatDocument({ ...parts, title: parts.command }), /class="(?:eyebrow|warning)"/);
});

test('texts are no markup, and the page names no address', (t) => {
  const attack = `<img src="x" onerror='y'>`;
  const page = formatDocument({
    ...parts,
    title: attack,
    lead: attack,
    footer: attack,
    tiles: [{ title: attack, figure: attack, detail: attack }],
  });
  t.false(page.includes('<img'));
  t.is(page.match(/&lt;img src=&quot;x&quot; onerror=&#39;y&#39;&gt;/g)?.length, 7);
  t.notRegex(page, /https?:|@import|url\(/);
});
