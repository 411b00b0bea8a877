/** Colours, type and space: the few numbers everything is made of. */
import { createTheme, type MantineColorsTuple } from '@mantine/core'

const slate: MantineColorsTuple = [
  '#f6f7f9',
  '#eceef2',
  '#dcdfe6',
  '#c2c7d2',
  '#9aa2b1',
  '#737c8e',
  '#596275',
  '#454d5e',
  '#2f3542',
  '#1d212b',
]
const amber: MantineColorsTuple = [
  '#fff8e6',
  '#ffefc7',
  '#fddf90',
  '#fbcb55',
  '#f5b52a',
  '#de9a0b',
  '#b97c03',
  '#8f5f05',
  '#6f490a',
  '#573a0d',
]
/** The dark scheme's greys: a little blue, far enough from each other to tell two surfaces apart. */
const dark: MantineColorsTuple = [
  '#e6e8ec',
  '#b4bac6',
  '#969eae',
  '#6b7485',
  '#3a414f',
  '#2c323e',
  '#20252f',
  '#171b23',
  '#11141a',
  '#0c0e13',
]
/** The accent: ink on paper. State colours are the only others. */
const ink: MantineColorsTuple = [
  '#f4f5f7',
  '#e6e8ec',
  '#c9cdd5',
  '#a2a9b6',
  '#7a8394',
  '#566074',
  '#3b4354',
  '#2a303d',
  '#1b1f29',
  '#12141a',
]

export const theme = createTheme({
  colors: { slate, amber, dark, ink },
  primaryColor: 'ink',
  primaryShade: { light: 9, dark: 0 },
  autoContrast: true,
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
  headings: { fontWeight: '600' },
  defaultRadius: 8,
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // The accent is dark on light and light on dark; what is written on it is the other.
    Button: {
      vars: (
        _theme: unknown,
        { variant = 'filled', color }: { variant?: string; color?: string },
      ) => ({
        root:
          variant === 'filled' && color === undefined
            ? { '--button-color': 'light-dark(#ffffff, #12141a)' }
            : {},
      }),
    },
    // As wide as its field, but not from the start: centred meanwhile, it would widen the page of a phone.
    Combobox: { defaultProps: { position: 'bottom-start' } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { blur: 2 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    Drawer: { defaultProps: { position: 'right', overlayProps: { backgroundOpacity: 0.25 } } },
  },
})
