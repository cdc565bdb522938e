/** How the inspector looks: in light and dark, narrow and wide. */
export const style = `
:root{color-scheme:light dark;--page:#eef1f6;--card:#fff;--ink:#1b1f27;--soft:#5a6373;--line:#d4d9e2;--hover:#f3f6fb;
--accent:#1f5fbf;--good:#17703a;--warn:#8a5300;--bad:#a3161b;--good-page:#e4f5ea;--warn-page:#fdf1dc;--bad-page:#fdeced}
@media (prefers-color-scheme:dark){:root{--page:#12151b;--card:#1c2129;--ink:#e8ebf1;--soft:#a3adbd;--line:#363e4b;
--hover:#252c37;--accent:#8ab4ff;--good:#6fd595;--warn:#f2bd66;--bad:#ffb4ae;--good-page:#173323;--warn-page:#38290f;
--bad-page:#3a1c1e}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:.9375rem/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1rem;padding:.9rem 1.5rem;background:var(--card);
border-bottom:1px solid var(--line)}
header p{color:var(--soft)}
h1,h2,h3,h4,p,ol,ul,dl,dd,fieldset{margin:0;padding:0;border:0}
h1{font-size:1.25rem}h2{font-size:1.05rem}h3{font-size:.95rem}
h4{margin:.8rem 0 .3rem;color:var(--soft);font-size:.75rem;letter-spacing:.05em;text-transform:uppercase}
ol,ul{list-style:none}
main{display:grid;gap:1.5rem;max-width:110rem;margin:0 auto;padding:1.25rem 1.5rem 4rem}
main>section,.columns>section{display:grid;align-content:start;gap:.6rem;min-width:0}
.card{min-width:0;padding:.9rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:.65rem}
.endpoints{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:.9rem}
.endpoint{display:grid;gap:.55rem;align-content:start}
.columns{display:grid;gap:1.5rem;grid-template-columns:minmax(0,1fr)}
@media (min-width:75rem){.columns{grid-template-columns:minmax(0,1fr) 23rem}}
.row,fieldset,.head{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .5rem}
.head .grow{flex:1 1 12rem;max-width:24rem;margin-left:auto}
button,input{min-height:2rem;padding:.25rem .7rem;border:1px solid var(--line);border-radius:.4rem;background:var(--card);
color:inherit;font:inherit}
button{cursor:pointer}
button:hover{background:var(--hover);border-color:var(--soft)}
button[aria-pressed=true]{border-color:var(--accent);color:var(--accent);font-weight:600}
button:disabled{opacity:.55;cursor:default}
input{border-color:var(--soft)}
input[type=number]{width:3.1rem;padding-inline:.4rem;appearance:textfield}
input::-webkit-inner-spin-button{display:none}
input[type=search]{width:100%}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem;padding:.5rem 1rem;background:var(--card)}.skip:focus{left:.5rem;top:.5rem}
.soft,#count,dt{color:var(--soft)}
.mono,code{font-family:ui-monospace,"SF Mono",Consolas,monospace;font-size:.8125rem}
.health::before,#connection::before{content:"";display:inline-block;width:.6rem;height:.6rem;margin-right:.45rem;
border-radius:50%;background:currentColor}
.health{color:var(--good)}.health[data-is=pending]{color:var(--warn)}.health[data-is=down]{color:var(--bad)}
#connection{margin-left:auto;color:var(--warn)}#connection[data-is=live]{color:var(--good)}
#connection[data-is=lost]{color:var(--bad)}
.line{padding:0;overflow:hidden}
.titles,summary.request{display:grid;gap:.1rem .7rem;align-items:baseline;
grid-template-columns:4.8rem 7.8rem minmax(0,1fr) minmax(0,1fr) 7.8rem 7rem}
.titles{padding:.55rem 1rem;border-bottom:1px solid var(--line);color:var(--soft);font-size:.8125rem}
summary{cursor:pointer}
summary.request{padding:.45rem 1rem;border-left:3px solid transparent;list-style:none}
summary.request::-webkit-details-marker{display:none}
summary.request:hover{background:var(--hover)}
summary.request:focus-visible{outline-offset:-3px}
#line>li+li{border-top:1px solid var(--line)}
#line>li[data-is=bad] summary.request{border-left-color:var(--bad)}
#line>li[data-is=warn] summary.request{border-left-color:var(--warn)}
.request>span{min-width:0;overflow-wrap:anywhere}
.about>span{display:-webkit-box;overflow:hidden;-webkit-box-orient:vertical;-webkit-line-clamp:2}
.request small{display:block;color:var(--soft)}
.request .time{font-variant-numeric:tabular-nums}
#none{padding:2rem 1rem;text-align:center;color:var(--soft)}
.tag{display:inline-block;padding:0 .45rem;border-radius:.35rem;background:var(--hover);font-weight:600}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.tag.good{background:var(--good-page)}.tag.warn{background:var(--warn-page)}.tag.bad{background:var(--bad-page)}
.more{padding:.25rem 1rem 1rem 1.2rem}
dl{display:grid;grid-template-columns:fit-content(45%) minmax(0,1fr);gap:.15rem .9rem}
dd,.thing{overflow-wrap:anywhere}
#directory{display:grid;gap:.7rem}
#directory summary{font-weight:600}
.thing{padding:.45rem 0}.thing+.thing{border-top:1px solid var(--line)}
.thing .row+.row,.thing p+.row{margin:.3rem 0}
#directory .details summary{font-size:.8125rem;font-weight:400;color:var(--soft)}
.details[open]>summary{margin-bottom:.3rem}
.consent{padding:.2rem 0 .4rem}
.thing button{min-height:1.75rem;padding:.1rem .55rem;font-size:.8125rem}
.name{font-weight:600}
#notice{position:fixed;left:50%;bottom:1rem;max-width:calc(100vw - 2rem);padding:.55rem 1rem;border-radius:.5rem;
background:var(--ink);color:var(--page);transform:translateX(-50%)}#notice:empty{display:none}
@media (max-width:60rem){.titles{display:none}
summary.request{grid-template-columns:minmax(0,1fr) auto;padding:.6rem 1rem}
.request .client,.request .about{grid-column:1/-1}
.request .outcome{grid-row:1;grid-column:2;text-align:right}.request .what{grid-row:1;grid-column:1}
.request .time{grid-row:4;grid-column:1;color:var(--soft)}.request .then{grid-row:4;grid-column:2;text-align:right}
.request .time small,.request .what small{display:inline;margin-left:.5rem}}
@media (max-width:40rem){main,header{padding-inline:.9rem}.head .grow{order:1;max-width:none;flex-basis:100%}
#connection{margin-left:0}button,input{min-height:2.5rem}.thing button{min-height:2.25rem}}
`
